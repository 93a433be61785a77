"""Whether a dissection fits into the memory and the disk that are free, asked before its pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.engine.estimate_memory import MemoryEstimate
from workers.free_space import free_disk, free_memory

GB = 1e9


class DoesNotFit(Exception):
    """Memory or disk will not do; the message states how much is needed, how much there is, and what to do."""


@dataclass(frozen=True)
class Room:
    """What a dissection may take. `limit`: bytes of memory that the person allows, 0 for what is free. `store` is the
    folder of its artifact, None if that is elsewhere.
    """

    limit: int
    cache: Path
    store: Path | None

    @property
    def memory(self) -> int:
        return self.limit or free_memory()


def check_room(*, stages: Mapping[str, MemoryEstimate], room: Room, always_spills: bool) -> None:
    """Raises DoesNotFit if a stage fits neither in memory nor with its arrays in files, or if the disk is too small."""
    memory = room.memory
    needed = max(stage.spilled for stage in stages.values())
    if needed > memory:
        known = "are allowed by --memory-limit" if room.limit else "are free"
        raise DoesNotFit(
            f"This dissection needs up to {needed / GB:.1f} GB of memory even with its arrays in files, and "
            f"{memory / GB:.1f} GB {known}. Dissect fewer layers at a time, use a smaller --batch-size, or state with "
            "--memory-limit how much may be taken."
        )
    files = max(stage.disk(spills=always_spills or stage.spills(limit=memory)) for stage in stages.values())
    stored = sum(stage.stored for stage in stages.values())
    if room.store is None:
        _check_disk(room.cache, files, "temporary files")
    elif _device(room.cache) == _device(room.store):
        _check_disk(room.store, files + stored, "temporary files and results")
    else:
        _check_disk(room.cache, files, "temporary files")
        _check_disk(room.store, stored, "results")


def _check_disk(folder: Path, needed: int, what: str) -> None:
    free = free_disk(folder)
    if needed > free:
        raise DoesNotFit(
            f"This dissection needs about {_say_bytes(needed)} of disk for {what}, and {_say_bytes(free)} are free at "
            f"{folder}. Free space, dissect fewer layers at a time, or let UNITSCOPE_CACHE and ARTIFACT_ROOT name "
            "larger disks."
        )


def _say_bytes(n_bytes: int) -> str:
    return f"{n_bytes / GB:.1f} GB" if n_bytes >= GB / 10 else f"{n_bytes / 1e6:.1f} MB"


def _device(folder: Path) -> int:
    return next(one for one in (folder, *folder.parents) if one.exists()).stat().st_dev
