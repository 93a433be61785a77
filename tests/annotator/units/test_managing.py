"""Dissections are canceled, tried again and deleted; what runs for them stops, and nothing else is touched."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from annotator.crowd.campaigns.composing import CannotCompose, compose_campaign
from annotator.crowd.campaigns.deleting import delete_unpublished
from annotator.crowd.campaigns.unit_choice import ChosenUnit, list_units
from annotator.crowd.models import Campaign
from annotator.units import gpu_queue
from annotator.units.dissecting import advance_all, advance_dissection
from annotator.units.managing import (
    CannotChange,
    StoreSilent,
    cancel_dissection,
    delete_dissection,
    retry_dissection,
)
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, RandomBaseline, TopImage, Unit
from annotator.work.performing import Gone, perform
from annotator.work.steps.changing import EditOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.making import make_campaign, make_dissection
from tests.annotator.units.test_dissecting import NOW, Broker, advance, broker, dissection, store_result
from workers import contract, leases
from workers.store import FileStore, StoreError, open_store

__all__ = ["advance", "broker", "dissection"]
LATER = NOW + timedelta(minutes=1)
Advance = Callable[..., None]


@pytest.fixture
def committing(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    def run(act: Callable[..., None], *args: Any, **values: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            act(*args, **values)

    return run


@pytest.fixture
def measuring(dissection: Dissection, advance: Advance) -> Dissection:
    """Three shards, of which one is measured."""
    store_result(dissection, 0, n_images=150, batch_size=32)
    advance(NOW)
    store_result(dissection, 1)
    advance(NOW)
    return dissection


def is_canceled(one: Dissection, settings: Settings) -> bool:
    return leases.is_canceled(url=settings.REDIS_URL, artifact=one.artifact)


def test_a_canceled_dissection_sends_nothing_more_and_its_processes_are_told(
    measuring: Dissection, broker: Broker, advance: Advance, committing: Advance, settings: Settings
) -> None:
    n_sent = len(broker.sent)
    committing(cancel_dissection, measuring, now=LATER)
    assert is_canceled(measuring, settings)
    store_result(measuring, 2)
    advance(LATER)
    measuring.refresh_from_db()
    assert (measuring.state, measuring.error, measuring.finished_at) == ("canceled", "", LATER)
    assert len(broker.sent) == n_sent
    with pytest.raises(CannotChange, match="is canceled: there is nothing to cancel"):
        cancel_dissection(measuring, now=LATER)


def test_trying_again_goes_on_with_what_is_measured(
    measuring: Dissection, broker: Broker, committing: Advance, settings: Settings
) -> None:
    committing(cancel_dissection, measuring, now=LATER)
    broker.sent.clear()
    committing(retry_dissection, measuring, is_afresh=False, now=LATER)
    assert not is_canceled(measuring, settings)
    again = [(name, message["position"], message["attempt"]) for name, message in broker.sent]
    assert again == [(contract.MEASURE, 2, 2), (contract.MEASURE, 3, 2)]
    measuring.refresh_from_db()
    assert (measuring.state, measuring.finished_at) == ("running", None)


def test_a_shard_that_failed_for_good_has_all_its_attempts_again(
    measuring: Dissection, broker: Broker, advance: Advance, committing: Advance
) -> None:
    store_result(measuring, 2, error="unit 3 is not finite")
    store_result(measuring, 3)
    advance(LATER)
    measuring.refresh_from_db()
    assert (measuring.state, measuring.error) == ("failed", "unit 3 is not finite")
    committing(retry_dissection, measuring, is_afresh=False, now=LATER)
    store = open_store(measuring.artifact)
    for attempt in range(2, 2 + contract.MAX_ATTEMPTS):
        assert measuring.gpu_tasks.get(position=2).attempts == attempt
        store.write(contract.failure_name(2, attempt), b"out of memory")
        advance(LATER)
    advance(LATER)
    measuring.refresh_from_db()
    assert (measuring.state, measuring.error) == ("failed", "out of memory")


def test_measuring_afresh_leaves_no_file_and_no_lease_of_before_in_the_way(
    measuring: Dissection, broker: Broker, advance: Advance, committing: Advance, settings: Settings
) -> None:
    before = measuring.artifact
    committing(cancel_dissection, measuring, now=LATER)
    broker.sent.clear()
    committing(retry_dissection, measuring, is_afresh=True, now=LATER)
    measuring.refresh_from_db()
    assert measuring.artifact == f"{before}.2"
    assert list(open_store(before).names()) == []
    assert leases.is_canceled(url=settings.REDIS_URL, artifact=before), "what runs for the first try stops"
    store_result(measuring, 0, n_images=64, batch_size=32)
    advance(LATER)
    assert [(message["position"], message["attempt"]) for _, message in broker.sent] == [(0, 2), (1, 2)]
    assert {message["dissection"]["artifact"] for _, message in broker.sent} == {measuring.artifact}
    committing(cancel_dissection, measuring, now=LATER)
    committing(retry_dissection, measuring, is_afresh=True, now=LATER)
    measuring.refresh_from_db()
    assert measuring.artifact == f"{before}.3"


def test_results_that_could_not_be_taken_in_are_put_together_again(
    measuring: Dissection, broker: Broker, advance: Advance, committing: Advance
) -> None:
    for position in (2, 3, 4):
        store_result(measuring, position)
        advance(LATER)
    measuring.refresh_from_db()
    assert measuring.error.startswith("The results cannot be taken in.")
    broker.sent.clear()
    committing(retry_dissection, measuring, is_afresh=False, now=LATER)
    assert [(name, message["attempt"]) for name, message in broker.sent] == [(contract.MERGE, 2)]
    assert not open_store(measuring.artifact).exists(contract.result_name(4))


def test_what_is_done_or_runs_is_not_tried_again(measuring: Dissection) -> None:
    with pytest.raises(CannotChange, match="is running"):
        retry_dissection(measuring, is_afresh=False, now=LATER)
    with pytest.raises(CannotChange, match="cancel it first"):
        delete_dissection(measuring)


@pytest.mark.django_db
def test_a_deleted_dissection_leaves_its_network_and_other_dissections(
    tmp_path: Path, settings: Settings, committing: Advance
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    gone, kept = make_dissection(tmp_path, name="gone"), make_dissection(tmp_path, name="kept")
    own, shared = (
        Dissection.objects.create(
            network=gone.network, image_set=gone.image_set, layer_paths=[], is_baseline=True, created_at=NOW,
            state="running", artifact_name=f"file://{tmp_path}/{name}",
        )
        for name in ("own", "shared")
    )  # fmt: skip
    for measured_by, beside in ((own, [gone]), (shared, [gone, kept])):
        row = RandomBaseline.objects.create(
            key=measured_by.artifact[-60:], layer_path="features.3", measured_by=measured_by
        )
        row.dissections.set(beside)
        open_store(measured_by.artifact).write("results/0.json", json.dumps({}).encode())
    n_units = Unit.objects.count()
    Dissection.objects.filter(pk=shared.pk).update(state="failed")
    with pytest.raises(CannotChange, match="beside another one"):
        delete_dissection(shared)
    committing(delete_dissection, gone)
    assert set(Dissection.objects.all()) == {kept, shared}
    assert list(RandomBaseline.objects.values_list("measured_by", flat=True)) == [shared.pk]
    assert {row.dissected_unit.dissection for row in TopImage.objects.all()} == {kept}
    assert {row.dissection for row in AutomaticLabel.objects.all()} == {kept}
    assert DissectedUnit.objects.count() == 4
    assert Unit.objects.count() == n_units
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact-kept", "shared"]
    assert leases.is_canceled(url=settings.REDIS_URL, artifact=own.artifact), "it was still being measured"
    advance_all(now=LATER)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_does_not_answer_keeps_the_rows(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    one = make_dissection(tmp_path)

    def be_silent(self: FileStore) -> None:
        raise StoreError("file:///x does not answer: timed out.")

    monkeypatch.setattr(FileStore, "clear", be_silent)
    with pytest.raises(StoreSilent, match="does not answer"):
        delete_dissection(one)
    assert one.dissected_units.count() == 4
    monkeypatch.undo()
    delete_dissection(one)
    assert not Dissection.objects.exists()


@pytest.mark.django_db
def test_what_somebody_asked_about_meanwhile_is_not_deleted(tmp_path: Path, settings: Settings) -> None:
    """The step looked before, and found no campaign."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    one = make_dissection(tmp_path)
    make_campaign(one)
    with pytest.raises(CannotChange, match="somebody asked people about its units"):
        delete_dissection(one)
    assert one.dissected_units.count() == 4
    assert list(open_store(one.artifact).names())


@pytest.mark.django_db
def test_nobody_is_asked_about_what_was_deleted_meanwhile(tmp_path: Path, settings: Settings) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/copy"  # the files stay
    one = make_dissection(tmp_path)
    chosen = [ChosenUnit(unit, "named") for unit in list_units([one])]
    delete_dissection(one)
    campaign = Campaign(name="late", reward_usd=1, budget_cap_usd=99, seed=7, marketplace="own", created_at=NOW)
    with pytest.raises(CannotCompose, match="was deleted meanwhile"):
        compose_campaign(campaign, template="unit_semantics", units=chosen)
    for act in (delete_dissection, partial(cancel_dissection, now=NOW)):
        with pytest.raises(CannotChange, match="was deleted meanwhile"):
            act(one)
    advance_dissection(dissection_id=one.pk, now=NOW)  # a hint that came late


@pytest.mark.django_db
def test_a_step_about_what_was_deleted_meanwhile_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    campaign = make_campaign(make_dissection(tmp_path))
    seen = Campaign.objects.get()
    delete_unpublished(campaign)
    with pytest.raises(Gone, match="was deleted meanwhile"):
        perform(STEPS["edit"], subject=seen, actor=None, options=EditOptions(contact="lab@example.org"))


@pytest.mark.django_db
def test_files_of_another_installation_stay(tmp_path: Path, settings: Settings) -> None:
    """A database that was copied without its artifacts names the folders of the original."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/copy"
    one = make_dissection(tmp_path)
    delete_dissection(one)
    assert list(open_store(one.artifact).names())


@pytest.mark.django_db
def test_canceling_does_not_wait_for_the_broker(measuring: Dissection, committing: Advance, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    committing(cancel_dissection, measuring, now=LATER)
    measuring.refresh_from_db()
    assert measuring.state == "canceled"
    gpu_queue.mark_canceled(measuring.artifact, is_canceled=False)
