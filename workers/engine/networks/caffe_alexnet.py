"""The AlexNets of Caffe's time, with grouped convolutions and local response normalization, as their PyTorch
conversions name them.

Only what lies below the classifier. Variants differ in where batch normalization stands; input is BGR with the
mean subtracted.
"""

from torch import nn

# Where batch normalization (without scale and shift) stands beside each of the five convolutions, and what else
# differs.
PLAIN = ("", "", "", "", "")
VARIANTS: dict[str, tuple[str, ...]] = {
    "plain": PLAIN,
    "context": PLAIN,
    "audio": ("before", "before", "before", "before", "before"),
    "egomotion": ("after", "last", "after", "after", "after"),
    "videoorder": ("", "", "before", "before", "before"),
}


class VariantUnknown(Exception):
    """No AlexNet of Caffe's time goes by that name."""


class CaffeAlexNet(nn.Module):
    """`features` alone: (B, 3, 227, 227) to (B, 256, 6, 6)."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise VariantUnknown(f"There is no AlexNet {variant!r}; there are {', '.join(VARIANTS)}.")
        context = variant == "context"
        groups = 1 if context else 2
        convolutions = [
            nn.Conv2d(3, 96, 11, stride=4, padding=5 if context else 0),
            nn.Conv2d(96, 256, 5, padding=2, groups=groups),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.Conv2d(384, 384, 3, padding=1, groups=groups),
            nn.Conv2d(384, 256, 3, padding=1, groups=groups),
        ]
        parts: list[nn.Module] = []
        for place, (convolution, norm) in enumerate(zip(convolutions, VARIANTS[variant], strict=True)):
            parts += _stage(convolution, norm, place)
        self.features = nn.Sequential(*parts)

    def forward(self, x: object) -> object:
        return self.features(x)


def _stage(convolution: nn.Conv2d, norm: str, place: int) -> list[nn.Module]:
    pools, responds = place in (0, 1, 4), place in (0, 1)
    parts: list[nn.Module] = [convolution]
    normalize = nn.BatchNorm2d(convolution.out_channels, affine=False)
    if norm == "before":
        parts.append(normalize)
    parts.append(nn.ReLU(inplace=True))
    if pools:
        parts.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    if norm == "after":
        parts.append(normalize)
    if responds:
        parts.append(nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))
    if norm == "last":
        parts.append(normalize)
    return parts
