"""How an image becomes a network's input. No torch: image sets are opened where it is not installed."""

import json
from dataclasses import asdict, dataclass
from typing import Any

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


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
        if not 8 <= self.input_px <= 4096:
            raise PreprocessingInvalid(f"An input of {self.input_px} px is outside 8 to 4096.")
        if self.resize not in ("warp", "center_crop"):
            raise PreprocessingInvalid(f"Resizing {self.resize!r} is neither 'warp' nor 'center_crop'.")
        if self.interpolation not in ("nearest", "bilinear", "bicubic", "lanczos"):
            raise PreprocessingInvalid(f"Interpolation {self.interpolation!r} is not known.")
        if self.channels not in ("RGB", "BGR"):
            raise PreprocessingInvalid(f"Channels {self.channels!r} are neither RGB nor BGR.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0 or self.scale <= 0:
            raise PreprocessingInvalid("Mean and deviation need three values each, deviations and scale above zero.")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Preprocessing":
        """The inverse of to_json; raises PreprocessingInvalid on unknown or missing values."""
        try:
            return cls(**{**data, "mean": tuple(data["mean"]), "std": tuple(data["std"])})
        except (KeyError, TypeError) as error:
            raise PreprocessingInvalid(f"The preprocessing cannot be read: {error}.") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON keeps exactly."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]
