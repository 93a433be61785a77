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

from annotator.units import chance, drafts, gpu_queue
from annotator.units.ingesting import ArtifactMismatch, ingest_artifact
from annotator.units.models import Dissection, GPUTask, ImageSet, Network, name_artifact
from annotator.units.settling import refuse_network, settle_image_set, settle_network
from workers import contract
from workers.engine.format.artifact import ArtifactMalformed
from workers.store import NotStored, Store, StoreError, open_store

logger = logging.getLogger(__name__)

# Options that change how a dissection is computed, and not its result.
HOW_IT_IS_DONE = ("shard_images", "spill", "memory_limit")
# `anew`: also what an earlier version of the image set has is measured; `grown_from`: the dissection that measured it.
ANEW, GROWN_FROM = "anew", "grown_from"
NOT_OF_RESULT = (*HOW_IT_IS_DONE, ANEW, GROWN_FROM)
NOT_OF_SHARDS = (*NOT_OF_RESULT, *contract.NOT_OF_SHARDS)

_TASK_NAMES = {
    GPUTask.Stage.SURVEY: contract.SURVEY,
    GPUTask.Stage.MEASURE: contract.MEASURE,
    GPUTask.Stage.MERGE: contract.MERGE,
    GPUTask.Stage.CROP: contract.CROP,
    GPUTask.Stage.FINISH: contract.FINISH,
}
# Stages of one task, which joins what the tasks before it left.
JOINING = (GPUTask.Stage.MERGE, GPUTask.Stage.FINISH)
# What another sweep may find gone.
MAY_PASS = (OperationalError, InterfaceError, StoreError, OSError)
IN_WORDS = (ArtifactMismatch, ArtifactMalformed, NotStored)
# Earlier dissections that are looked at.
MAX_EARLIER = 20
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
        _take_results(dissection, store)
        _plan_next(dissection, store, now)
        due = _claim_due_tasks(dissection, now) if dissection.state == Dissection.State.RUNNING else []
        for task in due:
            name, message = _TASK_NAMES[GPUTask.Stage(task.stage)], _message(task)
            transaction.on_commit(functools.partial(gpu_queue.send, name, message))


def advance_all(*, now: datetime) -> None:
    """The sweeper: advances each unfinished dissection, whatever happens to the others."""
    for dissection_id in list(Dissection.objects.filter(state__in=UNFINISHED).values_list("id", flat=True)):
        try:
            advance_dissection(dissection_id=dissection_id, now=now)
        except Exception:
            logger.exception("Dissection %s cannot be advanced now; the next sweep tries again.", dissection_id)
    drafts.sweep(now=now)


def _take_results(dissection: Dissection, store: Store) -> None:
    """A result ends a task, with its error or without; a failed attempt is due again until MAX_ATTEMPTS."""
    for task in dissection.gpu_tasks.filter(state__in=[GPUTask.State.WAITING, GPUTask.State.SENT]):
        if store.exists(contract.result_name(task.position)):
            task.error = json.loads(store.read(contract.result_name(task.position))).get("error", "")
            task.state = GPUTask.State.POISONED if task.error else GPUTask.State.DONE
        elif task.state == GPUTask.State.SENT and store.exists(contract.failure_name(task.position, task.attempts)):
            task.error = store.read(contract.failure_name(task.position, task.attempts)).decode()
            task.state = GPUTask.State.WAITING
        task.save(update_fields=["state", "error"])


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
        if "network" in result:  # surveys of before did not say
            # A baseline draws its own weights: what its file holds by now registers no network.
            if not dissection.is_baseline:
                settle_network(dissection, result["network"])
            settle_image_set(dissection, result)
        _find_earlier(dissection)
        dissection.n_images, dissection.passed_over = result["n_images"], result.get("passed_over", [])
        dissection.save(update_fields=["n_images", "passed_over"])
        _cut_shards(dissection, batch_size=result["batch_size"], n_forgiven=last.n_forgiven)
        _set_state(dissection, Dissection.State.RUNNING)
    elif last.stage == GPUTask.Stage.MEASURE:
        _add_tasks(last, GPUTask.Stage.MERGE)
    elif last.stage == GPUTask.Stage.MERGE and "parts" in result:
        _add_tasks(last, GPUTask.Stage.CROP, n_units=result["parts"])
    elif last.stage == GPUTask.Stage.CROP:
        _add_tasks(last, GPUTask.Stage.FINISH)
    else:
        manifest = ingest_artifact(dissection=dissection, store=store, now=now)
        transaction.on_commit(functools.partial(drafts.remove, store), robust=True)
        if dissection.is_baseline:
            survey = json.loads(store.read(contract.result_name(contract.SURVEY_POSITION)))
            if "network" in survey:  # surveys of before did not say
                surveyed = {name: survey["network"][name] for name in contract.IDENTITY}
                chance.drop_changed(dissection, manifest=manifest, surveyed=surveyed)
        _set_baseline_beside(dissection, manifest, now)


def _find_earlier(dissection: Dissection) -> None:
    """Notes the newest dissection that asked the same of an earlier version of the image set."""
    options = {name: value for name, value in dissection.options.items() if name != GROWN_FROM}
    asked = dissection.image_set
    others = Dissection.objects.filter(
        state=Dissection.State.DONE,
        network=dissection.network,
        layer_paths=dissection.layer_paths,
        is_baseline=dissection.is_baseline,
        image_set__address=asked.address,
        image_set__labels=asked.labels,
    ).exclude(image_set=asked)
    alike = (one for one in others.order_by("-created_at")[:MAX_EARLIER] if _asks_the_same(one.options, options))
    if not options.get(ANEW) and (earlier := next(alike, None)):
        options[GROWN_FROM] = str(earlier.pk)
    dissection.options = options
    dissection.save(update_fields=["options"])


def _asks_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True if both measure the same and cut their shards alike."""
    left, right = (
        {name: value for name, value in given.items() if name not in NOT_OF_SHARDS or name == "shard_images"}
        for given in (one, other)
    )
    return left == right


def _find_artifact(dissection: Dissection) -> str:
    """The address of the earlier dissection's artifact; empty if there is none, or none any more."""
    earlier = Dissection.objects.filter(pk=dissection.options.get(GROWN_FROM)).first()
    return earlier.artifact if earlier else ""


def _add_tasks(last: GPUTask, stage: GPUTask.Stage, *, n_units: Sequence[int] = (0,)) -> None:
    """One task of the stage for each number of units, after the last one."""
    GPUTask.objects.bulk_create(
        GPUTask(
            dissection=last.dissection,
            position=position,
            stage=stage,
            n_units=n,
            attempts=last.n_forgiven,
            n_forgiven=last.n_forgiven,
        )
        for position, n in enumerate(n_units, start=last.position + 1)
    )


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


def _cut_shards(dissection: Dissection, *, batch_size: int, n_forgiven: int) -> None:
    """Shards end at batch boundaries, so that every batch is the same however the set is cut."""
    size = int(dissection.options.get("shard_images", contract.SHARD_IMAGES))
    size = max(1, size // batch_size) * batch_size
    firsts = range(0, dissection.n_images, size)
    GPUTask.objects.bulk_create(
        GPUTask(
            dissection=dissection,
            position=position,
            stage=GPUTask.Stage.MEASURE,
            first_image=first,
            end_image=min(first + size, dissection.n_images),
            attempts=n_forgiven,  # leases of an earlier try have lower numbers
            n_forgiven=n_forgiven,
        )
        for position, first in enumerate(firsts, start=1)
    )


def _claim_due_tasks(dissection: Dissection, now: datetime) -> list[GPUTask]:
    """The tasks to send now: new ones, ones whose lease fell silent, ones that the broker lost before they began."""
    due = []
    unfinished = list(dissection.gpu_tasks.filter(state__in=[GPUTask.State.WAITING, GPUTask.State.SENT]))
    for task in unfinished:
        if task.stage in JOINING and task != unfinished[0]:  # tried again, with some of what it joins
            continue
        if task.state == GPUTask.State.SENT:
            assert task.sent_at is not None
            standing = gpu_queue.find_standing(
                dissection.id, task.position, attempt=task.attempts, sent_at=task.sent_at, now=now
            )
            if standing is gpu_queue.Standing.WAITING:
                continue
            if standing is gpu_queue.Standing.LOST:
                task.attempts -= 1
        if task.attempts - task.n_forgiven >= contract.MAX_ATTEMPTS:
            task.state = GPUTask.State.POISONED
            task.error = (
                task.error
                or f"The GPU process was lost {contract.MAX_ATTEMPTS} times during {task.stage} {task.position}."
            )
        else:
            task.state, task.sent_at, task.attempts = GPUTask.State.SENT, now, task.attempts + 1
            due.append(task)
        task.save(update_fields=["state", "sent_at", "attempts", "error"])
    return due


def _message(task: GPUTask) -> dict[str, Any]:
    dissection = task.dissection
    request = contract.TaskRequest(
        dissection=contract.DissectionRequest(
            dissection_id=str(dissection.id),
            architecture=dissection.network.architecture,
            code_folder=dissection.code_folder,
            weights=dissection.weights,
            preprocessing=dissection.network.preprocessing,
            layers=dissection.layer_paths,
            images=dissection.image_set.address,
            labels=dissection.image_set.labels,
            artifact=dissection.artifact,
            options={name: value for name, value in dissection.options.items() if name not in NOT_OF_RESULT},
            grown_from=_find_artifact(dissection) if task.stage == GPUTask.Stage.MEASURE else "",
            **{name: dissection.options[name] for name in HOW_IT_IS_DONE if name in dissection.options},
        ),
        position=task.position,
        attempt=task.attempts,
        first_image=task.first_image,
        end_image=task.end_image,
        shards=_list_joined(task),
    )
    return asdict(request)


def _list_joined(task: GPUTask) -> list[str]:
    """What the tasks before left for this one to join."""
    joined = {
        GPUTask.Stage.MERGE: (GPUTask.Stage.MEASURE, contract.tally_name),
        GPUTask.Stage.FINISH: (GPUTask.Stage.CROP, contract.cut_name),
    }
    if task.stage not in joined:
        return []
    stage, name = joined[GPUTask.Stage(task.stage)]
    return [
        name(position) for position in task.dissection.gpu_tasks.filter(stage=stage).values_list("position", flat=True)
    ]


def _fail(dissection: Dissection, error: str, now: datetime) -> None:
    dissection.error, dissection.finished_at = error, now
    dissection.save(update_fields=["error", "finished_at"])
    _set_state(dissection, Dissection.State.FAILED)


def _set_state(dissection: Dissection, state: Dissection.State) -> None:
    dissection.state = state
    dissection.save(update_fields=["state"])
