"""Memory that a pass uses again and again stays with the process while the pass runs.

The GNU C library gives each large block back to the system when it is freed. The next tensor of that size is then
fetched page by page and set to zero, which takes a third of a pass's CPU time. Other C libraries, and systems other
than Linux, are left as they are.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Numbers of mallopt(3), from malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
# What the library itself comes to once it has freed a block of 32 MiB, its largest threshold.
LARGEST_THRESHOLD, DEFAULT_MAPPED_BLOCKS = 32 * 2**20, 65_536
NEVER = 2**31 - 1

_lock = Lock()
_n_within = 0


@contextmanager
def keeping_memory() -> Iterator[None]:
    """Within it, freed memory stays with the process, in whichever thread; at the end it goes back to the system."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    _count(library, 1)
    try:
        yield
    finally:
        _count(library, -1)


def _count(library: ctypes.CDLL, step: int) -> None:
    """The first who comes sets the library, the last who goes sets it back."""
    global _n_within
    with _lock:
        _n_within += step
        if step > 0 and _n_within == 1:
            library.mallopt(MMAP_MAX, 0)
            library.mallopt(TRIM_THRESHOLD, NEVER)
        elif _n_within == 0:
            library.mallopt(MMAP_MAX, DEFAULT_MAPPED_BLOCKS)
            library.mallopt(MMAP_THRESHOLD, LARGEST_THRESHOLD)
            library.mallopt(TRIM_THRESHOLD, 2 * LARGEST_THRESHOLD)
            library.malloc_trim(0)
