"""`timm:NAME`: the networks of PyTorch Image Models, with the input that the library states for them."""

from difflib import get_close_matches
from typing import Any

from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import (
    ArchitectureNotFound,
    Built,
    import_library,
    in_words,
    split_options,
)

NUMBERS = {"num_classes": "num_classes", "in_chans": "in_chans", "img_size": "img_size"}
# How the tokens or the map become one vector for the classifier: a network that means them has other tensors.
WORDS = {"global_pool": ("token", "avg", "avgmax", "max", "map")}


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    timm = import_library("timm", package="timm")
    name, options = split_options(name, NUMBERS, WORDS)
    if not timm.is_model(name):
        plain = name.partition(".")[0]
        close = timm.list_models(f"*{plain[:8]}*")[:8] or get_close_matches(plain, timm.list_models())
        alike = f"; it has {', '.join(close)}" if close else ""
        raise ArchitectureNotFound(f"timm {timm.__version__} has no network {name!r}{alike}.")
    try:
        module = timm.create_model(name, pretrained=False, **options)
        stated = timm.data.resolve_model_data_config(module)
    except Exception as error:
        # Not every network takes every option.
        raise ArchitectureNotFound(f"timm:{name} cannot be built: {in_words(error)}") from None
    return Built(module, _read_input(stated, options.get("img_size", 0)))


def _read_input(stated: dict[str, Any], asked_px: int) -> Preprocessing:
    return Preprocessing.of_library(
        input_px=asked_px or int(stated["input_size"][-1]),
        mean=stated["mean"],
        std=stated["std"],
        interpolation=str(stated["interpolation"]),
    )
