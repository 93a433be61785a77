"""Keeps work on a question in the question's folder: the next attempt goes on there, on whichever machine it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workers import contract
from workers.engine.format.artifact import ArtifactMalformed, pack_arrays, unpack_arrays
from workers.engine.format.keeping import Arrays
from workers.engine.format.packed_words import pack_words, unpack_words
from workers.job import write_patiently
from workers.parts import Asked

# That much work at most is lost with a GPU process.
KEPT_EVERY_SECONDS = 60
KEY = "key"


@dataclass
class FolderKeeper:
    """`key` is a digest of all that the work depends on: what was kept with another one is passed over."""

    asked: Asked
    key: str
    _written_at: float = field(default_factory=time.monotonic)
    _stages: set[str] = field(default_factory=set)

    def read(self, stage: str) -> Arrays | None:
        name = contract.kept_name(stage)
        self._stages.add(stage)
        if not self.asked.target.exists(name):
            return None
        try:
            found = dict(unpack_arrays(self.asked.target.read(name)))
            key = unpack_words(found.pop(KEY))
        except (ArtifactMalformed, KeyError, ValueError):
            return None
        return found if key == self.key else None

    def offer(self, stage: str, state: Callable[[], Arrays], *, is_last: bool) -> None:
        if not is_last and time.monotonic() - self._written_at < KEPT_EVERY_SECONDS:
            return
        data = pack_arrays({**state(), KEY: pack_words(self.key)})
        write_patiently(self.asked.target, self.asked.reporter, contract.kept_name(stage), data)
        self._written_at = time.monotonic()

    def forget(self) -> None:
        """The work is done: what was kept of it is removed."""
        for stage in self._stages:
            self.asked.target.remove(contract.kept_name(stage))
