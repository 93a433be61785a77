"""TensorFlow's SAME padding, for networks whose weights were trained with it."""

import torch
import torch.nn.functional as F
from torch import nn


class SamePadConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME does: an odd pixel of padding goes to the bottom and the right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = (
            max(0, (-(-size // stride) - 1) * stride + kernel - size)
            for size, stride, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        )
        padded = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def pad_same(module: nn.Module) -> None:
    """Exchanges each convolution with a stride, within the module, for one that pads like SAME. With stride 1 and an
    odd kernel both pad alike.
    """
    for child_name, child in list(module.named_children()):
        if type(child) is nn.Conv2d and max(child.stride) > 1:
            setattr(module, child_name, _padded_same(child))
        else:
            pad_same(child)


def _padded_same(conv: nn.Conv2d) -> SamePadConv:
    same = SamePadConv(
        conv.in_channels,
        conv.out_channels,
        _pair(conv.kernel_size),
        stride=_pair(conv.stride),
        dilation=_pair(conv.dilation),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    same.load_state_dict(conv.state_dict())
    return same


def _pair(sides: tuple[int, ...]) -> tuple[int, int]:
    return sides[0], sides[1]
