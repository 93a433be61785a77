"""How far a dissection has come: stage, images done, throughput and time left."""

import json
from dataclasses import dataclass
from typing import Any

from annotator.units import gpu_queue
from annotator.units.models import Dissection, GPUTask
from workers import contract
from workers.store import open_store


@dataclass(frozen=True)
class DissectionProgress:
    stage: str
    n_done: int
    n_total: int
    # Of the running task. None until it has measured something.
    per_second: float | None
    seconds_left: float | None
    n_processes: int

    @property
    def share(self) -> float:
        return self.n_done / self.n_total if self.n_total else 0.0


def read_survey(dissection: Dissection) -> dict[str, Any]:
    """The result of the survey, which runs before the pass. Raises NotStored until it has ended."""
    found: dict[str, Any] = json.loads(open_store(dissection.artifact).read(contract.result_name(0)))
    return found


def count_taken(dissection: Dissection) -> int:
    """Images that an earlier dissection had measured already, before the image set grew."""
    store, n_taken = open_store(dissection.artifact), 0
    for task in dissection.gpu_tasks.filter(stage=GPUTask.Stage.MEASURE):
        result = json.loads(store.read(contract.result_name(task.position)))
        n_taken += task.end_image - task.first_image if result.get("is_taken") else 0
    return n_taken


def read_dissection_progress(dissection: Dissection) -> DissectionProgress:
    """From the tasks' rows and the leases of those that run; the slowest stage's own counter is shown."""
    tasks = list(dissection.gpu_tasks.all())
    running = [task for task in tasks if task.state == GPUTask.State.SENT]
    words = gpu_queue.read_all_progress(dissection.id, [task.position for task in running])
    alive = [(task, word) for task in running if (word := words.get(task.position)) and word.attempt == task.attempts]
    stage = dissection.state if not running else running[0].stage
    if stage == GPUTask.Stage.MEASURE:
        shards = [task for task in tasks if task.stage == GPUTask.Stage.MEASURE]
        done = sum(task.end_image - task.first_image for task in shards if task.state == GPUTask.State.DONE)
        n_done, n_total = done + sum(word.n_done for _, word in alive), dissection.n_images
    elif stage == GPUTask.Stage.CROP:
        parts = [task for task in tasks if task.stage == GPUTask.Stage.CROP]
        done = sum(task.n_units for task in parts if task.state == GPUTask.State.DONE)
        n_done, n_total = done + sum(word.n_done for _, word in alive), sum(task.n_units for task in parts)
    else:
        n_done, n_total = sum(word.n_done for _, word in alive), sum(word.n_total for _, word in alive)
    rate = sum(word.n_done / max(0.5, word.beat_at - word.started_at) for _, word in alive) or None
    left = (n_total - n_done) / rate if rate and n_total else None
    label = alive[0][1].stage if alive and stage != GPUTask.Stage.MEASURE else stage
    label = next((word.stage for _, word in alive if word.stage.startswith(contract.PAUSED)), label)
    return DissectionProgress(
        stage=label, n_done=n_done, n_total=n_total, per_second=rate, seconds_left=left, n_processes=len(alive)
    )
