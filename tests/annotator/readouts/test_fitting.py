"""Which fit a name stands for, and when pooled units that nothing uses are removed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from annotator.evidence.asking import AskedNetwork
from annotator.evidence.models import Question
from annotator.readouts import fitting
from annotator.readouts.fitting import CannotFit, begin_fit, cancel_fit, delete_readout
from annotator.readouts.models import Readout
from annotator.readouts.tasks import forget_features
from annotator.readouts.telling import tell_fit
from workers.store import Store, open_store

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
OPTIONS: dict[str, Any] = {"data": ["somewhere"], "seed": 0}


@pytest.fixture
def features(settings: Settings, tmp_path: Path) -> Store:
    """Pooled units of two sets of photographs."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    store = open_store(f"file://{tmp_path}/features")
    for key in ("used", "other"):
        for part in range(2):
            store.write(f"{key}/{part:05d}.npz", b"numbers")
    return store


def begin(name: str, *, seed: int = 0, now: datetime = NOW) -> Readout:
    network = AskedNetwork("torchvision:squeezenet1_1")
    return begin_fit(name=name, network=network, task="classify", layer="", options={**OPTIONS, "seed": seed}, now=now)


def list_kept(store: Store) -> set[str]:
    return {name.split("/")[0] for name in store.names()}


def test_pooled_units_of_a_canceled_fit_are_removed_after_a_day(features: Store) -> None:
    Readout.objects.create(
        name="done", task="classify", architecture="a", state="fitted", report={"features": ["used"]}, created_at=NOW
    )
    late = begin("late", now=LONG_AGO)
    forget_features()
    assert list_kept(features) == {"used", "other"}, "while something is being fitted, nothing is removed"
    cancel_fit(late, now=LONG_AGO)
    late_again = begin("again", now=LONG_AGO)
    cancel_fit(late_again, now=datetime.now(UTC))
    forget_features()
    assert list_kept(features) == {"used", "other"}, "the next fit reads what a canceled one pooled"
    Question.objects.update(answered_at=LONG_AGO)
    forget_features()
    assert list_kept(features) == {"used"}
    delete_readout(Readout.objects.get(name="done"))
    assert list_kept(features) == set()


def test_a_fit_that_begins_while_the_store_is_listed_keeps_its_units(
    features: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Readout] = []

    def open_and_begin(root: str) -> Store:
        if not begun:
            begun.append(begin("meanwhile"))
        return open_store(root)

    monkeypatch.setattr(fitting, "open_store", open_and_begin)
    forget_features()
    assert list_kept(features) == {"used", "other"}
    Readout.objects.create(
        name="done", task="classify", architecture="a", state="fitted", report={"features": ["used"]}, created_at=NOW
    )
    delete_readout(Readout.objects.get(name="done"))
    assert list_kept(features) == {"used", "other"}, "the fit that runs may read them"
    cancel_fit(begun[0], now=LONG_AGO)
    forget_features()
    assert list_kept(features) == set()


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        ("classify", {"clusters": 3, "label": "x", "epochs": 2}, "--label and --clusters and --epochs"),
        ("vqa", {"c": 3.0}, "--c"),
        ("caption", {"category": "object", "test_share": 0.5}, "--category"),
        ("regress", {"positive": "x"}, "--positive"),
        ("cluster", {"images": "x"}, "--images"),
    ],
)
def test_an_option_of_another_task_is_refused(task: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(CannotFit, match=f"With --task {task}, {words} would do nothing"):
        begin_fit(
            name="one", network=AskedNetwork("torchvision:squeezenet1_1"), task=task, layer="",
            options={**OPTIONS, **options}, now=NOW,
        )  # fmt: skip


def test_photographs_that_cannot_be_read_are_named() -> None:
    report = {"n_units": 8, "layer": "2", "n_training": 3, "n_test": 1, "split": "drawn by photograph"}
    report |= {"n_unreadable": 4, "unreadable": {f"{number}.png": "is damaged" for number in range(4)}}
    told = tell_fit(Readout(name="one", task="regress", report=report))
    assert "4 photographs unreadable: 0.png (is damaged), 1.png (is damaged), 2.png (is damaged)." in told
    assert "0 photographs unreadable." in tell_fit(
        Readout(name="one", task="regress", report={**report, "n_unreadable": 0, "unreadable": {}})
    )


def test_a_name_stands_for_one_fit(features: Store) -> None:
    first = begin("one")
    assert begin("one").pk == first.pk, "the same command goes on"
    with pytest.raises(CannotFit, match="is being fitted to something else"):
        begin("one", seed=1)
    cancel_fit(first, now=NOW)
    second = begin("one", seed=1)
    assert second.pk != first.pk
    assert list(Readout.objects.values_list("pk", flat=True)) == [second.pk]
    Readout.objects.update(state="fitted")
    with pytest.raises(CannotFit, match="already"):
        begin("one", seed=1)
    assert features
