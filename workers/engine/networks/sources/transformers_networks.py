"""`transformers:NAME`: a vision network of Hugging Face's transformers.

NAME is a kind of network (`vit`, `dinov2`, `swin`), a folder with a config.json, or a name of the hub, of which only
the small configurations of network and processor are fetched. No code of a folder or of the hub is run. Of a network of
images and text, the image tower is taken.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from workers.engine.networks.sources.built import (
    ArchitectureNotFound,
    Built,
    import_library,
    in_words,
    split_options,
)
from workers.engine.networks.sources.processors import read_folder, read_hub, read_input

NUMBERS = {"num_classes": "num_labels", "img_size": "image_size", "in_chans": "num_channels"}


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    transformers = import_library("transformers", package="transformers")
    name, numbers = split_options(name, NUMBERS)
    try:
        config = _read_config(transformers, name)
        config = getattr(config, "vision_config", None) or config
        for key, value in numbers.items():
            setattr(config, key, value)
        module = _make(transformers, config)
        stated, unread = _read_stated(transformers, name)
        preprocessing, assumed = read_input(config, stated)
    except Exception as error:
        # The library and the hub refuse in a dozen ways.
        raise ArchitectureNotFound(
            f"transformers {transformers.__version__} cannot build {name!r}: {in_words(error)} NAME is a kind of "
            "network (vit, dinov2, swin), a folder with a config.json, or a name of the hub."
        ) from None
    return Built(module, preprocessing, assumed=unread or assumed, saved_names=_list_saved_names(module))


def _read_config(transformers: Any, name: str) -> Any:
    if _is_kind(transformers, name):
        return transformers.AutoConfig.for_model(name)
    return transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)


def _read_stated(transformers: Any, name: str) -> tuple[dict[str, Any], str]:
    """What its processor states, and why it is not known what that states."""
    if Path(name).is_dir():
        return read_folder(Path(name)), ""
    return ({}, "") if _is_kind(transformers, name) else read_hub(name)


def _is_kind(transformers: Any, name: str) -> bool:
    return not Path(name).is_dir() and name in transformers.CONFIG_MAPPING


def _make(transformers: Any, config: Any) -> nn.Module:
    """With its classifier if the configuration was saved with one, else the network alone."""
    names = getattr(config, "architectures", None) or [""]
    classifies = str(names[0]).endswith("ForImageClassification") or "num_labels" in config.to_diff_dict()
    maker = transformers.AutoModelForImageClassification if classifies else transformers.AutoModel
    made: nn.Module = maker.from_config(config, trust_remote_code=False)
    return made


def _list_saved_names(module: nn.Module) -> dict[str, str]:
    """The module's key by its name in files, which version 5 renames while it reads and writes them."""
    try:
        rename = import_module("transformers.core_model_loading").revert_weight_conversion
    except (ImportError, AttributeError):
        return {}
    held = module.state_dict()
    key_of = {id(one): key for key, one in held.items()}
    return {name: key_of[id(one)] for name, one in rename(module, held).items() if id(one) in key_of}
