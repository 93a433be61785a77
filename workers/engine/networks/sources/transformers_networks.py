"""`transformers:NAME`: a vision network of Hugging Face's transformers.

NAME is a kind of network (`vit`, `dinov2`, `swin`), a folder with a config.json, or a name of the hub, of which only
the small configuration is fetched. No code of a folder or of the hub is run. Of a network of images and text, the image
tower is taken.
"""

import json
from pathlib import Path
from typing import Any

from torch import nn

from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import (
    ArchitectureNotFound,
    Built,
    import_library,
    in_words,
    split_numbers,
)

NUMBERS = {"num_classes": "num_labels", "img_size": "image_size", "in_chans": "num_channels"}
# Pillow's numbers of filters, as configurations state them.
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    transformers = import_library("transformers", package="transformers")
    name, numbers = split_numbers(name, NUMBERS)
    try:
        config = _read_config(transformers, name)
        config = getattr(config, "vision_config", None) or config
        for key, value in numbers.items():
            setattr(config, key, value)
        module = _make(transformers, config)
    except Exception as error:
        # The library and the hub refuse in a dozen ways.
        raise ArchitectureNotFound(
            f"transformers {transformers.__version__} cannot build {name!r}: {in_words(error)} NAME is a kind of "
            "network (vit, dinov2, swin), a folder with a config.json, or a name of the hub."
        ) from None
    return Built(module, _read_input(config, _read_processor(name)))


def _read_config(transformers: Any, name: str) -> Any:
    if not Path(name).is_dir() and name in transformers.CONFIG_MAPPING:
        return transformers.AutoConfig.for_model(name)
    return transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)


def _make(transformers: Any, config: Any) -> nn.Module:
    """With its classifier if the configuration was saved with one, else the network alone."""
    names = getattr(config, "architectures", None) or [""]
    classifies = str(names[0]).endswith("ForImageClassification") or "num_labels" in config.to_diff_dict()
    maker = transformers.AutoModelForImageClassification if classifies else transformers.AutoModel
    made: nn.Module = maker.from_config(config, trust_remote_code=False)
    return made


def _read_processor(name: str) -> dict[str, Any]:
    """How the folder says that images are prepared; empty if it does not."""
    file = Path(name) / "preprocessor_config.json"
    if not file.is_file():
        return {}
    stated = json.loads(file.read_text(encoding="utf-8"))
    return stated if isinstance(stated, dict) else {}


def _read_input(config: Any, stated: dict[str, Any]) -> Preprocessing:
    """Where the processor states nothing, mean and deviation are .5, as most of these networks take them."""
    size = getattr(config, "image_size", None) or 224
    filter_ = stated.get("resample")
    return Preprocessing.of_library(
        input_px=int(size[0] if isinstance(size, (list, tuple)) else size),
        mean=stated.get("image_mean", (0.5,)),
        std=stated.get("image_std", (0.5,)),
        interpolation=FILTERS.get(filter_, "bilinear") if isinstance(filter_, int) else "bilinear",
    )
