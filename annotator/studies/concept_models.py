"""How probable it is that a description holds on an image, without asking anybody (docs/studies.md, Concept models).

A cheap model says where people are asked, and is what their votes are combined with. It never stands for their answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.labels.lexicon import Lexicon
from annotator.refusals import Refusal
from annotator.studies.formulas import read_formula

Array = NDArray[np.float64]

# Labeled pixels miss things that were not labeled, and name things too small to see.
IF_LABELED, IF_NOT_LABELED = 0.9, 0.01


class BadConceptModel(Refusal):
    """What was given says nothing about these images or descriptions."""


@dataclass(frozen=True)
class NamedColumns:
    """(n_images, n_names) of what is known about each image, and the name of each column."""

    values: NDArray[np.floating | np.bool_]
    names: Sequence[str]


def model_from_labels(text: str, *, labels: NamedColumns, lexicon: Lexicon) -> Array | None:
    """(n_images,) from whether the description holds by the labels of each image; None if no label names it, or a part
    of it.
    """
    held = _combine(text, labels, lexicon, lambda columns: np.any(columns, axis=1).astype(np.float64))
    return None if held is None else np.where(held > 0.5, IF_LABELED, IF_NOT_LABELED)


def model_from_classes(text: str, *, classes: NamedColumns, lexicon: Lexicon) -> Array | None:
    """(n_images,) the sum of a classifier's probabilities over the classes that are the description, or a kind of it;
    None if no class is. Parts of a formula are taken as independent.
    """
    return _combine(text, classes, lexicon, lambda columns: np.minimum(columns.astype(np.float64).sum(axis=1), 1))


def _combine(
    text: str, known: NamedColumns, lexicon: Lexicon, join: Callable[[NDArray[np.floating | np.bool_]], Array]
) -> Array | None:
    """`join` makes one column of those that a name of the formula stands for."""
    formula = read_formula(text)
    found = [find_columns(name, names=known.names, lexicon=lexicon) for name in formula.names]
    if not all(found):
        return None
    return formula.combine([join(known.values[:, columns]) for columns in found])


def check_matrix(matrix: NDArray[np.floating], *, n_images: int, n_names: int) -> Array:
    """A given matrix of probabilities, (n_images, n_names). Raises BadConceptModel if it is anything else."""
    if matrix.shape != (n_images, n_names):
        raise BadConceptModel(
            f"The matrix has the shape {matrix.shape}: ({n_images}, {n_names}) is needed, one row per image."
        )
    found = np.asarray(matrix, dtype=np.float64)
    bad = np.argwhere(~((found >= 0) & (found <= 1)))
    if len(bad):
        row, column = bad[0]
        raise BadConceptModel(
            f"Row {row}, column {column} of the matrix is {found[row, column]:g}: a probability lies between 0 and 1."
        )
    return found


def find_columns(text: str, *, names: Sequence[str], lexicon: Lexicon) -> list[int]:
    """The columns whose name is the description, means the same or is a kind of it. One name may be "tench, fish"."""
    # A describer says "any animal" of the label "animal" and its kinds.
    said = _spell(text.removeprefix("any "), lexicon)
    return [i for i, name in enumerate(names) if any(_covers(said, part, lexicon) for part in _split(name, lexicon))]


def _covers(wide: str, narrow: str, lexicon: Lexicon) -> bool:
    if not wide or not narrow:
        return False
    is_same = wide == narrow or lexicon.find_synonymy(wide, narrow) is not None
    return is_same or lexicon.find_wideness(wide, narrow) is not None


def _split(name: str, lexicon: Lexicon) -> list[str]:
    return [_spell(part, lexicon) for part in name.split(",")]


def _spell(text: str, lexicon: Lexicon) -> str:
    return lexicon.singular(" ".join(text.lower().replace("-", " ").replace("_", " ").split()))
