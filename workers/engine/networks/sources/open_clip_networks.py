"""`open_clip:NAME`: the image tower of one of OpenCLIP's networks."""

from typing import Any

from torch import nn

from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import ArchitectureNotFound, Built, import_library, in_words


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    open_clip = import_library("open_clip", package="open_clip_torch")
    if open_clip.get_model_config(name) is None:
        known = ", ".join(open_clip.list_models())
        raise ArchitectureNotFound(f"open_clip {open_clip.__version__} has no network {name!r}; it has {known}.")
    try:
        tower: nn.Module = open_clip.create_model(name, pretrained=None, load_weights=False).visual
    except Exception as error:
        # A tower may come from another library, which may be missing.
        raise ArchitectureNotFound(f"open_clip:{name} cannot be built: {in_words(error)}") from None
    return Built(tower, _read_input(tower))


def _read_input(tower: Any) -> Preprocessing:
    size = tower.image_size
    stated = getattr(tower, "preprocess_cfg", {})
    return Preprocessing.of_library(
        input_px=int(size[0] if isinstance(size, (tuple, list)) else size),
        mean=stated.get("mean") or tower.image_mean,
        std=stated.get("std") or tower.image_std,
        interpolation=str(stated.get("interpolation", "bicubic")),
    )
