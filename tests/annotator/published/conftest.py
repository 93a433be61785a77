"""The campaign that goes out as a bundle, at the installation that ran it and elsewhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.annotator.published.study import Study, run_once
from tests.databases import connected_to, copied


@pytest.fixture(scope="session")
def ran(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with django_db_blocker.unblock(), run_once(tmp_path_factory.mktemp("ran")) as study:
        yield study


@pytest.fixture
def study(ran: Study, transactional_db: None, tmp_path: Path, settings: Settings) -> Iterator[Study]:
    """A test is at the installation that ran it, or at a copy: what it changes there, no other test sees."""
    settings.ARTIFACT_ROOT = f"file://{ran.home}"
    with copied(ran.database, into="study") as database, connected_to(database):
        yield ran.at(tmp_path)
    shutil.rmtree(ran.home / "dissections", ignore_errors=True)  # what was imported there


@pytest.fixture
def elsewhere(ran: Study, transactional_db: None, tmp_path: Path, settings: Settings) -> Study:
    """A test is at an empty installation, which has a store of its own."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'second'}"
    return ran.at(tmp_path)
