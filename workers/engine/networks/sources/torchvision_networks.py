"""`torchvision:NAME`: classifiers, networks of segmentation, and the backbones of detectors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import ArchitectureNotFound, Built, in_words, split_options

INPUT_PX = {"inception_v3": 299}
SEGMENTATION_PX, DETECTION_PX = 520, 640


class Backbone(nn.Module):
    """A detector of which the forward pass runs the backbone alone: (B, 3, h, w) to its maps. All parts keep their
    names, so that the detector's checkpoints fit.
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        for name, part in detector.named_children():
            self.add_module(name, part)

    def forward(self, x: torch.Tensor) -> Mapping[str, torch.Tensor]:
        maps: Mapping[str, torch.Tensor] = self.get_submodule("backbone")(x)
        return maps


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    from torchvision import models

    name, numbers = split_options(name, {"num_classes": "num_classes"})
    classifiers = models.list_models(module=models)
    segmentation = models.list_models(module=models.segmentation)
    detection = models.list_models(module=models.detection)
    # GoogLeNet and Inception would otherwise spend seconds drawing truncated normals and warn about it.
    extra: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if name in segmentation or name in detection:
        extra["weights_backbone"] = None
    elif name not in classifiers:
        known = ", ".join([*classifiers, *segmentation, *detection])
        raise ArchitectureNotFound(f"torchvision has no network {name!r}; it has {known}.")
    try:
        module: nn.Module = models.get_model(name, weights=None, **extra, **numbers)
    except (ValueError, TypeError) as error:
        raise ArchitectureNotFound(f"torchvision:{name} cannot be built: {in_words(error)}") from None
    if name in detection:
        return Built(Backbone(module), replace(Preprocessing(), input_px=DETECTION_PX))
    px = SEGMENTATION_PX if name in segmentation else INPUT_PX.get(name, 224)
    return Built(module, replace(Preprocessing(), input_px=px))
