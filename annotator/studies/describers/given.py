"""What a describer is given and what it gives: activations, the concepts of each image, and words for each unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.refusals import Refusal

Array = NDArray[np.float64]


class CannotDescribe(Refusal):
    """A describer cannot work with these activations or concepts."""


@dataclass(frozen=True)
class Given:
    """`activations` (n_images, n_units). `concepts` (n_images, n_concepts): whether each of the `names` holds on an
    image, or how probable that is.
    """

    activations: NDArray[np.floating[Any]]
    concepts: NDArray[np.bool_ | np.floating[Any]]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        n_images = len(self.activations)
        if self.concepts.shape != (n_images, len(self.names)):
            raise CannotDescribe(
                f"The concepts have the shape {self.concepts.shape}: ({n_images}, {len(self.names)}) is needed, one "
                "row per image and one column per name."
            )
        if n_images < 2 or not self.names:
            raise CannotDescribe("Two images and one concept are needed at least.")

    @property
    def holds(self) -> NDArray[np.bool_]:
        """(n_images, n_concepts): a probability from one half on is a yes."""
        return np.asarray(self.concepts >= 0.5, dtype=np.bool_)


@dataclass(frozen=True)
class Told:
    """What a describer says of one unit, with its own score."""

    text: str
    score: float
    details: Mapping[str, Any] = field(default_factory=dict)
