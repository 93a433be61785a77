"""Memory stays with the process while a pass runs, and goes back afterwards. Page faults tell what is fetched again.

In a process of its own: in one that has run other tests, large blocks may lie free already. They may do so after a pass
as well, with their pages given back.
"""

import json
import resource
import subprocess
import sys

import pytest

BYTES = 64 * 2**20
PAGES = BYTES // resource.getpagesize()
N_TENSORS = 8

TOLD = f"""
import ctypes, json, resource
from contextlib import suppress
from pathlib import Path

import torch

from workers.engine import kept_memory
from workers.engine.kept_memory import keeping_memory


def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({N_TENSORS}):
        torch.zeros({BYTES}, dtype=torch.uint8).add_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def read_resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


PR_SET_THP_DISABLE = 41  # large pages would be counted as one
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
told = {{"before": count_faults()}}
find_library = kept_memory.platform.libc_ver
kept_memory.platform.libc_ver = lambda: ("", "")
with keeping_memory():
    told["another library"] = count_faults()
kept_memory.platform.libc_ver = find_library
told["resident before"] = read_resident()
with keeping_memory():
    told["within"] = count_faults()
    told["resident within"] = read_resident()
told["resident after"] = read_resident()
with keeping_memory():
    with suppress(ZeroDivisionError), keeping_memory():
        raise ZeroDivisionError
    told["within, after an error in another"] = count_faults()
    told["resident within again"] = read_resident()
told["resident after both"] = read_resident()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, int]:
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("when", ["before", "another library"])
def test_each_tensor_is_fetched_again_where_memory_is_not_kept(told: dict[str, int], when: str) -> None:
    assert told[when] > (N_TENSORS - 1) * PAGES


@pytest.mark.parametrize("when", ["within", "within, after an error in another"])
def test_a_freed_tensor_is_used_again_within(told: dict[str, int], when: str) -> None:
    assert told[when] < 3 * PAGES


@pytest.mark.parametrize(("within", "after"), [("within", "after"), ("within again", "after both")])
def test_memory_goes_back_at_the_end(told: dict[str, int], within: str, after: str) -> None:
    assert told[f"resident {within}"] > told["resident before"] + BYTES // 2
    assert told[f"resident {after}"] < told["resident before"] + BYTES // 2
