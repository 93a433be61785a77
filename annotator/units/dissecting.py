"""Drives a dissection from request to ingested artifact. The database decides, the store holds what was found, and
every broker message is a hint that may be lost, doubled or late.

survey -> one measure task for each shard -> merge -> cut the crops of some units each -> finish -> ingest
If there are few units, the merge cuts their crops and is the last task.
"""

import functools
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from annotator.units import chance, drafts, gpu_tasks
from annotator.units.growing import note_earlier
from annotator.units.ingesting import ArtifactMismatch, ingest_artifact
from annotator.units.models import Dissection, GPUTask, ImageSet, Network, name_artifact
from annotator.units.settling import refuse_network, settle_image_set, settle_network
from workers import contract
from workers.engine.format.artifact import ArtifactMalformed
from workers.store import NotStored, Store, StoreError, open_store

logger = logging.getLogger(__name__)

# What another sweep may find gone.
MAY_PASS = (OperationalError, InterfaceError, StoreError, OSError)
IN_WORDS = (ArtifactMismatch, ArtifactMalformed, NotStored)
UNFINISHED = (Dissection.State.REQUESTED, Dissection.State.RUNNING, Dissection.State.INGESTING)


@dataclass(frozen=True)
class Addresses:
    """Where a dissection reads weights and code; those of its network may be newer."""

    weights: str
    code_folder: str


def request_dissection(
    *,
    network: Network,
    image_set: ImageSet,
    layer_paths: Sequence[str],
    options: dict[str, Any],
    now: datetime,
    addresses: Addresses | None = None,
) -> Dissection:
    """A new dissection, its first task sent after commit. It reads at the network's addresses unless others are
    given.
    """
    addresses = addresses or Addresses(network.weights, network.code_folder)
    with transaction.atomic():
        dissection_id = uuid.uuid4()
        dissection = Dissection.objects.create(
            id=dissection_id,
            network=network,
            **asdict(addresses),
            image_set=image_set,
            layer_paths=list(layer_paths),
            options=options,
            is_baseline=bool(options.get("random_weights")),
            artifact_name=name_artifact(dissection_id),
            created_at=now,
        )
        GPUTask.objects.create(dissection=dissection, position=0, stage=GPUTask.Stage.SURVEY)
    advance_dissection(dissection_id=dissection_id, now=now)
    return dissection


def advance_dissection(*, dissection_id: uuid.UUID, now: datetime) -> None:
    """Reads the results that GPU processes have stored, then sends the tasks that are due. Safe to run in parallel.

    A result that cannot be taken in fails the dissection with its reason, once. Raises what may pass: a database, a
    store or a disk that does not answer.
    """
    try:
        _advance(dissection_id, now)
    except MAY_PASS as error:
        if not isinstance(error, NotStored):
            raise
        _give_up(dissection_id, error, now)
    except Exception as error:
        # Whatever else a damaged result or artifact can cause, another try would meet again.
        logger.exception("The results of dissection %s cannot be taken in.", dissection_id)
        _give_up(dissection_id, error, now)


def _lock_unfinished(dissection_id: uuid.UUID) -> Dissection | None:
    """None if nothing is left to do: it has ended, or was deleted since the hint was sent."""
    return Dissection.objects.select_for_update().filter(id=dissection_id, state__in=UNFINISHED).first()


def _give_up(dissection_id: uuid.UUID, error: Exception, now: datetime) -> None:
    with transaction.atomic():
        dissection = _lock_unfinished(dissection_id)
        if dissection is not None:
            said = str(error) if isinstance(error, IN_WORDS) else f"{type(error).__name__}: {error}"
            _fail(dissection, f"The results cannot be taken in. {said}", now)


def _advance(dissection_id: uuid.UUID, now: datetime) -> None:
    with transaction.atomic():
        dissection = _lock_unfinished(dissection_id)
        if dissection is None:
            return
        store = open_store(dissection.artifact)
        gpu_tasks.take_results(dissection, store)
        _plan_next(dissection, store, now)
        if dissection.state == Dissection.State.RUNNING:
            gpu_tasks.send_due(dissection, now)


def advance_all(*, now: datetime) -> None:
    """The sweeper: advances each unfinished dissection, whatever happens to the others."""
    for dissection_id in list(Dissection.objects.filter(state__in=UNFINISHED).values_list("id", flat=True)):
        try:
            advance_dissection(dissection_id=dissection_id, now=now)
        except Exception:
            logger.exception("Dissection %s cannot be advanced now; the next sweep tries again.", dissection_id)
    drafts.sweep(now=now)


def _plan_next(dissection: Dissection, store: Store, now: datetime) -> None:
    tasks = list(dissection.gpu_tasks.all())
    poisoned = next((task for task in tasks if task.state == GPUTask.State.POISONED), None)
    if poisoned and all(task.state != GPUTask.State.SENT for task in tasks):
        if poisoned.stage == GPUTask.Stage.SURVEY and store.exists(contract.result_name(poisoned.position)):
            _take_refusal(dissection, json.loads(store.read(contract.result_name(poisoned.position))))
        _fail(dissection, poisoned.error, now)
    elif not poisoned and all(task.state == GPUTask.State.DONE for task in tasks):
        _after(tasks[-1], dissection, store, now)
    elif dissection.state == Dissection.State.REQUESTED:
        _set_state(dissection, Dissection.State.RUNNING)


def _take_refusal(dissection: Dissection, result: dict[str, Any]) -> None:
    """A survey that was refused: the network stays registered only if it could be loaded."""
    if dissection.is_baseline:
        return
    if loaded := result.get("network"):
        settle_network(dissection, loaded)
    else:
        refuse_network(dissection)


def _after(last: GPUTask, dissection: Dissection, store: Store, now: datetime) -> None:
    """All tasks so far are done: the stage of the last one says what comes next."""
    result = json.loads(store.read(contract.result_name(last.position)))
    if last.stage == GPUTask.Stage.SURVEY:
        _take_survey(dissection, result)
        gpu_tasks.cut_shards(dissection, batch_size=result["batch_size"], n_forgiven=last.n_forgiven)
        _set_state(dissection, Dissection.State.RUNNING)
    elif last.stage == GPUTask.Stage.MEASURE:
        gpu_tasks.add_tasks(last, GPUTask.Stage.MERGE)
    elif last.stage == GPUTask.Stage.MERGE and "parts" in result:
        gpu_tasks.add_tasks(last, GPUTask.Stage.CROP, n_units=result["parts"])
    elif last.stage == GPUTask.Stage.CROP:
        gpu_tasks.add_tasks(last, GPUTask.Stage.FINISH)
    else:
        _ingest(dissection, store, now)


def _take_survey(dissection: Dissection, result: dict[str, Any]) -> None:
    """Registers what the survey found the network and the images to be."""
    if "network" in result:  # surveys of before did not say
        # A baseline draws its own weights: what its file holds by now registers no network.
        if not dissection.is_baseline:
            settle_network(dissection, result["network"])
        settle_image_set(dissection, result)
    note_earlier(dissection)
    dissection.n_images, dissection.passed_over = result["n_images"], result.get("passed_over", [])
    dissection.save(update_fields=["n_images", "passed_over"])


def _ingest(dissection: Dissection, store: Store, now: datetime) -> None:
    manifest = ingest_artifact(dissection=dissection, store=store, now=now)
    transaction.on_commit(functools.partial(drafts.remove, store), robust=True)
    if dissection.is_baseline:
        survey = json.loads(store.read(contract.result_name(contract.SURVEY_POSITION)))
        if "network" in survey:  # surveys of before did not say
            surveyed = {name: survey["network"][name] for name in contract.IDENTITY}
            chance.drop_changed(dissection, manifest=manifest, surveyed=surveyed)
    _set_baseline_beside(dissection, manifest, now)


def _set_baseline_beside(dissection: Dissection, manifest: dict[str, Any], now: datetime) -> None:
    """Links the counts with random weights, and has those layers measured that nobody has measured yet."""
    if dissection.is_baseline:
        chance.finish(dissection, weights_from=manifest["network"].get("weights_from", ""))
        return
    keys = chance.find_keys(manifest)
    if missing := chance.list_missing(keys):
        measured_by = request_dissection(
            network=dissection.network,
            image_set=dissection.image_set,
            layer_paths=missing,
            options=chance.choose_options(dissection),
            now=now,
            addresses=Addresses(dissection.weights, dissection.code_folder),
        )
        chance.register({path: keys[path] for path in missing}, measured_by=measured_by)
    chance.link(dissection, keys)


def _fail(dissection: Dissection, error: str, now: datetime) -> None:
    dissection.error, dissection.finished_at = error, now
    dissection.save(update_fields=["error", "finished_at"])
    _set_state(dissection, Dissection.State.FAILED)


def _set_state(dissection: Dissection, state: Dissection.State) -> None:
    dissection.state = state
    dissection.save(update_fields=["state"])
