"""Dissections whose tasks run in this process, as a GPU process that lives on does; the rest is real."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.utils import timezone

from annotator.units import dissecting
from annotator.units.models import Dissection
from annotator.units.registering import register_image_set, register_network
from workers import contract, tasks

TASKS: dict[str, Callable[[Any], None]] = {
    contract.SURVEY: tasks.survey, contract.MEASURE: tasks.measure, contract.MERGE: tasks.merge,
    contract.CROP: tasks.crop, contract.FINISH: tasks.finish,
}  # fmt: skip
TINY = "tests.workers.engine.making:tiny_module"


class Bench:
    """Asks as `dissect` does, and works off the queue task by task."""

    def __init__(self, queue: list[tuple[str, dict[str, Any]]]) -> None:
        self.queue = queue

    def ask(
        self,
        images: Path,
        *,
        weights: Path | str = "",
        architecture: str = TINY,
        layer: str = "4",
        chance: bool = False,
        labels: Path | str = "",
        **options: Any,
    ) -> Dissection:
        now = timezone.now()
        network = register_network(
            name=None, architecture=architecture, weights=str(weights), preprocessing=None, now=now
        )
        return dissecting.request_dissection(
            network=network,
            addresses=dissecting.Addresses(str(Path(weights).resolve()) if weights else "", network.code_folder),
            image_set=register_image_set(name=None, address=str(images), labels=str(labels), is_rendered=True, now=now),
            layer_paths=[layer],
            options={"batch_size": 4, "shard_images": 4, "n_top": 4, "n_low": 1, "chance": chance, **options},
            now=now,
        )

    def step(self, dissection: Dissection) -> Dissection:
        """The tasks that are waiting now, and what follows from their results."""
        for name, message in [self.queue.pop(0) for _ in list(self.queue)]:
            TASKS[name](message)
        dissecting.advance_dissection(dissection_id=dissection.id, now=timezone.now())
        dissection.refresh_from_db()
        return dissection

    def run(self, dissection: Dissection) -> Dissection:
        while dissection.state in dissecting.UNFINISHED:
            self.step(dissection)
        return dissection

    def dissect(self, images: Path, **asked: Any) -> Dissection:
        return self.run(self.ask(images, **asked))
