"""Loops that numba compiles to machine code, where it is installed (`pip install unitscope[compiled]`).

What they compute, NumPy and torch compute as well, in several passes over memory: the results are equal bit for bit.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def _find_compiler() -> Any:
    try:
        from numba import njit
    except Exception:
        # A damaged llvmlite raises OSError, a NumPy that numba does not know yet AttributeError and others.
        return None
    return njit


_njit = _find_compiler()
# Whether compiled loops take the place of NumPy and torch on a CPU.
CAN_COMPILE = _njit is not None


def takes_over(device: str) -> bool:
    """True if compiled loops do what torch would do on the device."""
    return CAN_COMPILE and device == "cpu"


def compiled(function: Function) -> Function:
    """The function, compiled when it is first called and kept on disk for later processes. Without numba nobody may
    call it: as Python it would take hours.
    """
    if _njit is None:
        return function
    try:
        loop: Function = _njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Neither the package's folder nor the home can be written to: each process compiles for itself.
        return cast(Function, _njit(nogil=True)(function))
    _survive_bad_files(cast(Any, loop)._cache)
    return loop


def _survive_bad_files(cache: Any) -> None:
    """What numba reads and writes at a loop's first call must not stop the call: a file that is damaged or a disk that
    is full means that the loop is not kept. Damaged files are written anew.
    """
    load, save = cache.load_overload, cache.save_overload

    def load_or_none(*key: Any) -> Any:
        try:
            return load(*key)
        # Unpickling what is damaged may raise anything.
        except Exception:
            with suppress(Exception):
                cache.flush()
            return None

    def try_to_save(*overload: Any) -> None:
        with suppress(Exception):
            save(*overload)

    cache.load_overload, cache.save_overload = load_or_none, try_to_save
