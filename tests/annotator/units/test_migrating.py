"""Data migrations of the dissections."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from pytest_django import Settings

from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_dissection


@pytest.mark.django_db
@pytest.mark.parametrize("root", ["file://{}", "{}", "{}/"])
def test_addresses_of_every_spelling_become_names_below_the_root(tmp_path: Path, settings: Settings, root: str) -> None:
    settings.ARTIFACT_ROOT = root.format(tmp_path)
    became = {
        f"file://{tmp_path}/dissections/a": "dissections/a",
        f"{tmp_path}/dissections/b": "dissections/b",
        "/old/artifacts/dissections/{}": "dissections/{}",
        "/elsewhere/dissections/c": "file:///elsewhere/dissections/c",
        "s3://bucket/dissections/d": "s3://bucket/dissections/d",
    }
    rows = {make_dissection(tmp_path, n_units=0, name=f"n{i}").pk: pair for i, pair in enumerate(became.items())}
    for pk, (before, _) in rows.items():
        Dissection.objects.filter(pk=pk).update(artifact_name=before.format(pk))
        if "{}" in before:
            (tmp_path / f"dissections/{pk}").mkdir(parents=True)
            (tmp_path / f"dissections/{pk}/manifest.json").write_text("{}")
    migration = import_module("annotator.units.migrations.0014_relative_artifacts")
    migration.strip_root(apps, SimpleNamespace(connection=connection))
    for one in Dissection.objects.all():
        assert one.artifact_name == rows[one.pk][1].format(one.pk)
