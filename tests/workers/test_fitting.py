"""What a dissection may take of memory and disk, and what is refused before its pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers import fitting
from workers.engine.estimate_memory import MemoryEstimate
from workers.fitting import DoesNotFit, Room, check_room
from workers.free_space import free_memory

GB = 10**9
STAGES = {
    "measure": MemoryEstimate(
        in_memory=9 * 10**9, spilled=2 * 10**9, files=10**9, files_spilled=8 * 10**9, stored=10**9
    ),
    "merge": MemoryEstimate(in_memory=5 * GB, spilled=3 * GB, files=0, files_spilled=6 * GB, stored=GB),
}


def check(tmp_path: Path, *, memory: int, disk: int, monkeypatch: pytest.MonkeyPatch, is_apart: bool = False) -> None:
    monkeypatch.setattr(fitting, "free_memory", lambda: memory)
    monkeypatch.setattr(fitting, "free_disk", lambda folder: disk)
    room = Room(limit=0, cache=tmp_path / "cache", store=None if is_apart else tmp_path / "artifacts")
    check_room(stages=STAGES, room=room, always_spills=False)


def test_what_fits_only_with_its_arrays_in_files_needs_the_disk_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tmp_path, memory=10**10, disk=3 * 10**9, monkeypatch=monkeypatch)
    check(tmp_path, memory=3 * 10**9, disk=10**10, monkeypatch=monkeypatch)
    with pytest.raises(DoesNotFit, match=r"about 10\.0 GB of disk for temporary files and results, and 9\.0 GB"):
        check(tmp_path, memory=3 * 10**9, disk=9 * 10**9, monkeypatch=monkeypatch)
    check(tmp_path, memory=3 * 10**9, disk=9 * 10**9, monkeypatch=monkeypatch, is_apart=True)
    with pytest.raises(DoesNotFit, match=r"and 5\.2 MB are free"):
        check(tmp_path, memory=10**10, disk=5_200_000, monkeypatch=monkeypatch)


def test_what_does_not_fit_in_memory_at_all_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DoesNotFit, match=r"up to 3\.0 GB of memory .* 2\.9 GB are free\. Dissect fewer layers"):
        check(tmp_path, memory=2_900_000_000, disk=10**12, monkeypatch=monkeypatch)


def write_group(folder: Path, limit: str, usage: int, reclaimable: int, names: tuple[str, str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, str(usage), f"cache 1\n{names[2]} {reclaimable}"), strict=True):
        (folder / ("memory.stat" if name == names[2] else name)).write_text(value)


@pytest.mark.parametrize(
    ("line", "inner", "names"),
    [
        ("0::/pod/task", "pod/task", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/pod/task", "memory/pod/task",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)  # fmt: skip
def test_the_limit_of_any_group_around_the_process_counts(
    tmp_path: Path, line: str, inner: str, names: tuple[str, str, str]
) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
    (proc / "self" / "cgroup").write_text(f"3:cpu:/pod\n{line}\n")
    assert free_memory(proc=proc, cgroups=groups) == 32_000_000 * 1024
    write_group(groups / inner, "max" if "max" in names[0] else str(2**63 - 1), 0, 0, names)
    assert free_memory(proc=proc, cgroups=groups) == 32_000_000 * 1024
    write_group((groups / inner).parent, "8000", 5000, 1000, names)
    assert free_memory(proc=proc, cgroups=groups) == 4000
    # In a container the path may be one of the host: then its own files stand at the root.
    (proc / "self" / "cgroup").write_text(line.replace("/pod/task", "/elsewhere"))
    write_group(groups / inner.removesuffix("pod/task"), "700", 100, 0, names)
    assert free_memory(proc=proc, cgroups=groups) == 600
