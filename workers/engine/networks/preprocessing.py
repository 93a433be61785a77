"""How an image becomes a network's input. No torch: image sets are opened where it is not installed."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


class PreprocessingInvalid(Exception):
    """The input convention is not one that this version knows."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: (pixel / scale - mean) / std over an input_px square, RGB.

    `resize` is "warp" (both sides to input_px) or "center_crop" (shorter side to input_px, then the central square);
    image sets with label maps are always warped, so that maps stay aligned. `interpolation` is a Pillow filter's name.
    """

    input_px: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    scale: float = 255.0
    resize: str = "center_crop"
    interpolation: str = "bilinear"
    channels: str = "RGB"

    def __post_init__(self) -> None:
        if type(self.input_px) is not int or not 8 <= self.input_px <= 4096:
            raise PreprocessingInvalid(f"An input of {self.input_px} px is no whole number from 8 to 4096.")
        if self.resize not in ("warp", "center_crop"):
            raise PreprocessingInvalid(f"Resizing {self.resize!r} is neither 'warp' nor 'center_crop'.")
        if self.interpolation not in INTERPOLATIONS:
            raise PreprocessingInvalid(f"Interpolation {self.interpolation!r} is not known.")
        if self.channels not in ("RGB", "BGR"):
            raise PreprocessingInvalid(f"Channels {self.channels!r} are neither RGB nor BGR.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0 or self.scale <= 0:
            raise PreprocessingInvalid("Mean and deviation need three values each, deviations and scale above zero.")
        if not all(map(math.isfinite, (*self.mean, *self.std, self.scale))):
            raise PreprocessingInvalid("Mean, deviation and scale are finite numbers.")

    @classmethod
    def of_library(
        cls, *, input_px: int, mean: Sequence[float], std: Sequence[float], interpolation: str
    ) -> "Preprocessing":
        """As a library states it; a filter that Pillow lacks counts as bicubic. Raises PreprocessingInvalid."""
        known = interpolation if interpolation in INTERPOLATIONS else "bicubic"
        return cls(input_px=input_px, mean=_read_three(mean), std=_read_three(std), interpolation=known)

    def stated(self, data: Mapping[str, Any]) -> "Preprocessing":
        """This one with the values that are stated, as JSON gives them. Mean and deviation go with a scale: if both are
        stated, what is not stated is as usual, and not as here. Raises PreprocessingInvalid.
        """
        known = ", ".join(one.name for one in fields(self))
        if (strange := next((name for name in data if name not in known.split(", ")), None)) is not None:
            raise PreprocessingInvalid(f"The preprocessing states {strange!r}, which is none of {known}.")
        try:
            changed = dict(data)
            for name in {"mean", "std"} & changed.keys():
                changed[name] = _read_three(changed[name])
            return replace(Preprocessing() if {"mean", "std"} <= changed.keys() else self, **changed)
        except (ValueError, TypeError) as error:
            raise PreprocessingInvalid(f"The preprocessing cannot be read: {error}. It states {known}.") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON keeps exactly."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def _read_three(values: Any) -> tuple[float, float, float]:
    """One value per channel, or one for all. Raises ValueError or TypeError."""
    numbers = [float(value) for value in (values if isinstance(values, Sequence) else [values])]
    first, second, third = numbers * 3 if len(numbers) == 1 else numbers
    return first, second, third
