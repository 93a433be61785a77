"""Formulas of concepts, as describers write them: `(a OR b) AND NOT c`, read from the left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_JOINTS = re.compile(r" (AND NOT|AND|OR) ")


@dataclass(frozen=True)
class Formula:
    """`joints[i]` (AND, OR, AND NOT) joins `names[i + 1]` to all that stands before it."""

    names: tuple[str, ...]
    joints: tuple[str, ...]

    def combine(self, probabilities: Sequence[Array]) -> Array:
        """How probable it is that the formula holds on each image, of one array per name, as if these were
        independent. Exact if all of them are 0 or 1.
        """
        first, *later = probabilities
        return reduce(lambda left, one: _join(one[0], left, one[1]), zip(self.joints, later, strict=True), first)


def read_formula(text: str) -> Formula:
    """Text without AND, OR, AND NOT in capital letters is one name, as it stands."""
    parts = _JOINTS.split(text)
    names, joints = parts[::2], parts[1::2]
    if len(names) > 2:
        # The brackets around all that a joint follows: `((a OR b) AND c) OR d`.
        names[0] = names[0].removeprefix("(" * (len(names) - 2))
        names[1:-1] = [name.removesuffix(")") for name in names[1:-1]]
    return Formula(tuple(name.strip() for name in names), tuple(joints))


def _join(joint: str, left: Array, right: Array) -> Array:
    if joint == "OR":
        return np.asarray(left + right - left * right)
    return np.asarray(left * (right if joint == "AND" else 1 - right))
