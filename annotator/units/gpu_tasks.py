"""The GPU tasks of a dissection: made stage by stage, sent once they are due, ended by what the store holds of them."""

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.units import gpu_queue
from annotator.units.growing import HOW_IT_IS_DONE, NOT_OF_RESULT, find_artifact
from annotator.units.models import Dissection, GPUTask
from workers import contract
from workers.store import Store

_TASK_NAMES = {
    GPUTask.Stage.SURVEY: contract.SURVEY,
    GPUTask.Stage.MEASURE: contract.MEASURE,
    GPUTask.Stage.MERGE: contract.MERGE,
    GPUTask.Stage.CROP: contract.CROP,
    GPUTask.Stage.FINISH: contract.FINISH,
}
# Stages of one task, which joins what the tasks before it left.
JOINING = (GPUTask.Stage.MERGE, GPUTask.Stage.FINISH)


def add_tasks(last: GPUTask, stage: GPUTask.Stage, *, n_units: Sequence[int] = (0,)) -> None:
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


def cut_shards(dissection: Dissection, *, batch_size: int, n_forgiven: int) -> None:
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


def take_results(dissection: Dissection, store: Store) -> None:
    """A result ends a task, with its error or without; a failed attempt is due again until MAX_ATTEMPTS."""
    for task in dissection.gpu_tasks.filter(state__in=[GPUTask.State.WAITING, GPUTask.State.SENT]):
        if store.exists(contract.result_name(task.position)):
            task.error = json.loads(store.read(contract.result_name(task.position))).get("error", "")
            task.state = GPUTask.State.POISONED if task.error else GPUTask.State.DONE
        elif task.state == GPUTask.State.SENT and store.exists(contract.failure_name(task.position, task.attempts)):
            task.error = store.read(contract.failure_name(task.position, task.attempts)).decode()
            task.state = GPUTask.State.WAITING
        task.save(update_fields=["state", "error"])


def send_due(dissection: Dissection, now: datetime) -> None:
    """Sends what is due, after commit."""
    for task in _claim_due(dissection, now):
        name, message = _TASK_NAMES[GPUTask.Stage(task.stage)], _message(task)
        transaction.on_commit(functools.partial(gpu_queue.send, name, message))


def _claim_due(dissection: Dissection, now: datetime) -> list[GPUTask]:
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
            grown_from=find_artifact(dissection) if task.stage == GPUTask.Stage.MEASURE else "",
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
