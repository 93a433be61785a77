"""Memory stays with the process while a pass runs, and goes back afterwards. Page faults tell whether it came anew."""

import resource
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from workers.engine.kept_memory import keeping_memory

BYTES = 64 * 2**20
PAGES = BYTES // resource.getpagesize()


def count_faults(n: int) -> int:
    """The page faults of n tensors of BYTES, each freed before the next."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n):
        torch.zeros(BYTES, dtype=torch.uint8).add_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def read_resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_freed_tensor_is_used_again_within_and_given_back_at_the_end() -> None:
    assert count_faults(8) > 7 * PAGES
    before = read_resident()
    with keeping_memory():
        count_faults(1)
        assert count_faults(8) < 2 * PAGES
        assert read_resident() > before + BYTES // 2
    assert read_resident() < before + BYTES // 2
    assert count_faults(8) > 7 * PAGES


def test_the_last_who_goes_gives_memory_back_also_after_an_error() -> None:
    with keeping_memory():
        with suppress(ZeroDivisionError), keeping_memory():
            raise ZeroDivisionError
        count_faults(1)
        assert count_faults(8) < 2 * PAGES
    assert count_faults(8) > 7 * PAGES


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    with keeping_memory():
        assert count_faults(8) > 7 * PAGES
