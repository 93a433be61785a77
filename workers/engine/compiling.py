"""Loops that numba compiles to machine code, where it is installed (`pip install unitscope[compiled]`).

What they compute, NumPy and torch compute as well, in several passes over memory: the results are equal bit for bit.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def _find_compiler() -> Any:
    try:
        from numba import njit
    except ImportError:
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
        loop = _njit(nogil=True)(function)
    return loop
