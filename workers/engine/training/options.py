"""How a network is fitted. docs/evidence.md, Fit."""

from dataclasses import dataclass, fields
from typing import Any

from workers.engine.networks.surgery_recipe import HeadKind


class FitInvalid(Exception):
    """The fit cannot be done so; the message says what to change."""


@dataclass(frozen=True)
class FitOptions:
    """`layer` and `heads` say where the network is cut and what follows; empty for a network that surgery made, which
    keeps its own. `is_whole`: the layers before the head learn too, at a tenth of the rate.

    `seeds` runs are made of each head; `epochs` at most, fewer if `patience` epochs bring no lower loss on the
    validation part. `mirrors`: half of the photographs are shown mirrored while training.
    """

    layer: str = ""
    heads: tuple[HeadKind, ...] = ()
    convolutions: int = 1
    units: int = 1024
    is_whole: bool = False
    seeds: int = 1
    epochs: int = 100
    patience: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    mirrors: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seeds", 1, 100), ("epochs", 1, 10_000), ("patience", 1, 10_000), ("batch_size", 2, 65_536),
            ("learning_rate", 1e-8, 10.0),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                said = name.replace("_", " ")
                raise FitInvalid(f"{getattr(self, name)} is no {said}: it lies between {low} and {high}.")
        if len(set(self.heads)) != len(self.heads):
            raise FitInvalid("Name each head once.")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FitOptions":
        """From a message; what it says of the set is not looked at."""
        own = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        return cls(**{**own, "heads": tuple(HeadKind(one) for one in own.get("heads", ()))})
