"""What a read-out is fitted to, and how. No torch: commands and pages read it. docs/readouts.md, Fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

CLASSIFY, REGRESS, CLUSTER, VQA, CAPTION = TASKS = ("classify", "regress", "cluster", "vqa", "caption")
# Of the photographs, if the data do not say which are for the test.
TEST_SHARE = 0.25
# The options that a task knows, besides those of every task: data, seed and the split.
OPTIONS_OF = {
    CLASSIFY: ("images", "labels", "below", "category", "positive", "phrase", "hard_negatives", "min_images", "c"),
    REGRESS: ("images", "labels", "below", "category", "label"),
    CLUSTER: ("labels", "below", "clusters"),
    VQA: ("images", "epochs"),
    CAPTION: ("images", "epochs"),
}
OF_ALL = ("data", "test", "test_share", "seed")


class ReadoutInvalid(Exception):
    """The read-out cannot be fitted or shown so; the message says what to change."""


@dataclass(frozen=True)
class Options:
    """`data` are the files or the folder that the task reads, `images` the folder of the photographs if it is another.

    `labels`: as `dissect --labels` names those of a set. `below`: photographs whose path begins so, "" for all.
    `category`: the labels of a labeled set that count. `label`: regress on the share of a photograph that this label
    covers. `positive`: two classes, this one and all others. `phrase`: two classes, photographs with a caption that
    holds these words and others. `hard_negatives`: rounds in which the negatives of highest score are added. `test`:
    paths of the photographs to test on, below the folder of photographs; none: a share is drawn. `c`: the inverse
    strength of the SVM's penalty, 0 to choose it.
    """

    data: tuple[str, ...]
    images: str = ""
    labels: str = ""
    below: str = ""
    category: str = ""
    label: str = ""
    positive: str = ""
    phrase: str = ""
    hard_negatives: int = 0
    test_share: float = TEST_SHARE
    min_images: int = 30
    clusters: int = 10
    epochs: int = 0
    c: float = 0.0
    seed: int = 0
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("hard_negatives", 0, 20), ("test_share", 0.01, 0.9), ("min_images", 1, 1_000_000), ("clusters", 2, 10_000),
            ("epochs", 0, 10_000), ("c", 0.0, 1e6), ("seed", 0, 2**31 - 1),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                said = name.replace("_", "-")
                raise ReadoutInvalid(f"--{said} lies between {low} and {high}, not at {getattr(self, name)}.")
        if not self.data:
            raise ReadoutInvalid("Say with --data what the read-out is fitted to.")

    def demand_unused(self, names: Sequence[str], data: str) -> None:
        """Raises ReadoutInvalid if one of these options is set, which does nothing for such data."""
        if used := [one.name for one in fields(self) if one.name in names and getattr(self, one.name) != one.default]:
            listed = " and ".join(f"--{name.replace('_', '-')}" for name in used)
            raise ReadoutInvalid(f"With {data}, {listed} would do nothing: leave out what does not apply.")

    def demand_task(self, task: str) -> None:
        """Raises ReadoutInvalid if an option is set that the task does not know."""
        others = [one.name for one in fields(self) if one.name not in (*OF_ALL, *OPTIONS_OF[task])]
        self.demand_unused(others, f"--task {task}")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Options":
        """From a message. Raises ReadoutInvalid."""
        own = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        return cls(**{**own, "data": tuple(own["data"]), "test": tuple(own.get("test", ()))})
