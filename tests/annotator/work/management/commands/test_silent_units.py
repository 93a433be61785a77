"""A network with silent, constant and negative-only units, from `dissect` to `launch`: nobody is asked about those."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from numpy.random import default_rng
from PIL import Image
from pytest_django import Settings

from annotator.crowd.models import Campaign, HITUnit
from annotator.units.gpu_process import gpu_process_if_none
from annotator.units.models import DissectedUnit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", autouse=True)
def own_gpu_process(s3_root: str, shared: Path) -> Iterator[None]:
    with gpu_process_if_none():
        yield


def run(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


def test_dead_units_are_left_out_counted_and_said(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'artifacts'}"
    for i in range(80):
        pixels = default_rng(i).integers(0, 255, (64, 64, 3), dtype="uint8")
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
    facts = json.loads(
        run(
            "dissect",
            "--network",
            "tests.workers.engine.cases:dead",
            "--layer",
            "out",
            "--images",
            str(tmp_path / "images"),
            "--no-chance",
            "--json",
        )
    )
    silent = DissectedUnit.objects.exclude(silence="").order_by("unit__index")
    assert dict(silent.values_list("unit__index", "silence")) == {0: "constant", 1: "constant", 2: "negative"}
    said = run("launch", "dead", dissection=[facts["id"]], random=8, top_iou=0, until="quoted")
    assert "Composed 5 HITs about 5 units." in said
    assert "Left out 3 silent units: out:0 (the same peak on every image)" in said
    assert "out:2 (never above zero)" in said
    chosen = HITUnit.objects.filter(hit__campaign=Campaign.objects.get())
    assert sorted(chosen.values_list("unit__index", flat=True)) == [3, 4, 5, 6, 7]
    assert set(chosen.values_list("chosen_because", "inclusion_probability")) == {("random", 1.0)}
    with pytest.raises(CommandError, match=r"cannot be asked about any of these units: out:1"):
        run("launch", "by-hand", dissection=[facts["id"]], units=["out:1"], until="quoted")
