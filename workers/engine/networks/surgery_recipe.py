"""What surgery makes of a network, as an architecture's name. No torch: commands read and write it too.

`surgery:BASE@LAYER?head=gap&convolutions=1&units=1024&classes=1000`: BASE is any architecture by name, LAYER the last
layer that is kept. docs/evidence.md, Surgery.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote, urlencode

from workers.engine.networks.encoder_recipe import ENCODER

SURGERY = "surgery:"
# What a registered network's architecture may have.
MAX_NAME_LENGTH = 200
MAX_UNITS, MAX_CLASSES, MAX_PX = 65_536, 100_000, 4096


class RecipeInvalid(Exception):
    """The surgery cannot be done so; the message says what to change."""


class HeadKind(StrEnum):
    """What stands between the last maps and the classifier."""

    GAP = "gap"  # the mean of each map
    GMP = "gmp"  # the largest value of each map
    FC = "fc"  # every cell of every map


@dataclass(frozen=True)
class Recipe:
    """`convolutions` of 3 x 3 with `units` each follow the layer, then the head and a linear layer without bias.

    `px` is the side of the input that a head of kind FC is made for; 0 for the others, which take any.
    """

    base: str
    layer: str
    head: HeadKind = HeadKind.GAP
    convolutions: int = 1
    units: int = 1024
    classes: int = 1000
    px: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("convolutions", 0, 2), ("units", 1, MAX_UNITS), ("classes", 2, MAX_CLASSES), ("px", 0, MAX_PX),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                raise RecipeInvalid(f"{getattr(self, name)} {name} are outside {low} to {high}.")
        if self.base.startswith(SURGERY):
            raise RecipeInvalid("The network was made by surgery already; cut the one that it was made of.")
        if self.base.startswith(ENCODER):
            raise RecipeInvalid("The network carries an encoder; cut the network without it.")
        if not self.layer:
            raise RecipeInvalid("Say with --layer after which layer the network is cut.")
        if len(self.name) > MAX_NAME_LENGTH:
            raise RecipeInvalid(f"The name {self.name} has more than {MAX_NAME_LENGTH} characters.")

    @property
    def name(self) -> str:
        """The architecture; `parse` is the inverse."""
        stated = {"head": self.head.value, "convolutions": self.convolutions, "units": self.units}
        stated |= {"classes": self.classes, **({"px": self.px} if self.px else {})}
        return f"{SURGERY}{self.base}@{quote(self.layer, safe='/')}?{urlencode(stated)}"

    @classmethod
    def parse(cls, architecture: str) -> "Recipe":
        """Raises RecipeInvalid."""
        found = re.fullmatch(r"surgery:(.+)@([^@?]+)\?([^?@]*)", architecture)
        if found is None:
            raise RecipeInvalid(f"{architecture!r} is not of the form surgery:BASE@LAYER?head=gap&classes=N.")
        try:
            stated = dict(parse_qsl(found[3], strict_parsing=True))
            head = HeadKind(stated.pop("head", HeadKind.GAP))
            return cls(found[1], unquote(found[2]), head, **{key: int(value) for key, value in stated.items()})
        except (ValueError, TypeError) as error:
            raise RecipeInvalid(f"{architecture!r} cannot be read: {error}.") from None


def find_base(architecture: str) -> str:
    """The architecture that was cut; any other one as it is; empty for a surgery that cannot be read."""
    try:
        return Recipe.parse(architecture).base if architecture.startswith(SURGERY) else architecture
    except RecipeInvalid:
        return ""
