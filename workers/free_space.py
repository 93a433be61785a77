"""How much memory and disk this process may still take: the machine's, or less where a container's limit is lower."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
# Names of the limit, the usage, and what the system can give back at once: control groups of version 2, and of 1.
VERSION_2 = ("memory.max", "memory.current", "inactive_file")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_memory(*, proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """Bytes that can be taken without swapping, whether the machine or a control group sets the limit."""
    return max(0, min([_machine_free(proc), *_group_free(proc, cgroups)]))


def free_disk(folder: Path) -> int:
    """Bytes that may be written below the folder, which need not exist yet."""
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(existing).free


def _machine_free(proc: Path) -> int:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_free(proc: Path, cgroups: Path) -> Iterator[int]:
    """What each control group leaves that this process is in, from the innermost to the root."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _levels(cgroups, path, VERSION_2)
        elif "memory" in controllers.split(","):
            yield from _levels(cgroups / "memory", path, VERSION_1)


def _levels(root: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    limit_name, usage_name, reclaimable = names
    inner = root / path.lstrip("/")
    # Within a container the path may be the host's: then the group's own files stand at the root.
    for folder in (inner, *inner.parents):
        try:
            limit = (folder / limit_name).read_text().strip()
            usage = int((folder / usage_name).read_text())
            stated = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            if limit != "max":
                yield int(limit) - usage + int(stated.get(reclaimable, 0))
        except (OSError, ValueError):
            pass
        if folder == root:
            return
