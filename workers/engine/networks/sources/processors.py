"""How a network of transformers takes images: what the processor in its folder, or on the hub, states."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from workers.engine.networks.preprocessing import Preprocessing, PreprocessingInvalid

# Files of a processor, in the order in which they are looked for; the second nests it.
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
# Pillow's numbers of filters, as configurations state them.
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
_TAKEN = (
    "and .5 was taken for both: state --preprocessing if it was trained otherwise, as "
    '\'{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}\'.'
)
ASSUMED = f"Nothing beside the network states mean and deviation of its images, {_TAKEN}"
UNREAD = f"The hub did not say with what mean and deviation the network takes images, {_TAKEN}"

# Gives the file of that name, None if there is none.
Find = Callable[[str], Path | None]


def read_folder(folder: Path) -> dict[str, Any]:
    """What the processor in the folder states; empty if there is none. Raises PreprocessingInvalid, OSError."""
    return _read_processor(lambda name: file if (file := folder / name).is_file() else None)


def read_hub(name: str) -> tuple[dict[str, Any], str]:
    """What the processor of a network of the hub states, empty if it has none; and UNREAD if the hub does not answer
    and the file was not fetched before. Raises PreprocessingInvalid, OSError.
    """
    hub, errors = import_module("huggingface_hub"), import_module("huggingface_hub.errors")

    def fetch(file: str) -> Path | None:
        try:
            return Path(hub.hf_hub_download(name, file))
        except errors.LocalEntryNotFoundError:
            raise
        except errors.EntryNotFoundError:
            return None

    try:
        return _read_processor(fetch), ""
    except errors.LocalEntryNotFoundError:
        return {}, UNREAD


def _read_processor(find: Find) -> dict[str, Any]:
    for name in PROCESSORS:
        if (file := find(name)) is None:
            continue
        try:
            stated = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            raise PreprocessingInvalid(f"{name} is not JSON.") from None
        if not isinstance(stated, dict):
            raise PreprocessingInvalid(f"{name} states no values by name.")
        nested = stated.get("image_processor", stated)
        return nested if isinstance(nested, dict) else stated
    return {}


def read_input(config: Any, stated: dict[str, Any]) -> tuple[Preprocessing, str]:
    """The input of a network, and in words what was assumed of it.

    A processor computes (pixel * rescale_factor - image_mean) / image_std and then may exchange red and blue. Where it
    states nothing, mean and deviation are .5, as most of these networks take them. Raises PreprocessingInvalid,
    ValueError, TypeError.
    """
    size = getattr(config, "image_size", None) or 224
    filter_ = stated.get("resample")
    mean, std, assumed = _read_normalization(stated)
    is_flipped = bool(stated.get("do_flip_channel_order"))
    # Our mean and deviation are of the channels as the network takes them.
    order = -1 if is_flipped else 1
    return Preprocessing(
        input_px=int(size[0] if isinstance(size, (list, tuple)) else size),
        mean=_read_three("image_mean", mean, order),
        std=_read_three("image_std", std, order),
        scale=_read_scale(stated),
        interpolation=FILTERS.get(filter_, "bilinear") if isinstance(filter_, int) else "bilinear",
        channels="BGR" if is_flipped else "RGB",
    ), assumed


def _read_normalization(stated: dict[str, Any]) -> tuple[Any, Any, str]:
    """Mean, deviation, and what was assumed."""
    mean, std = stated.get("image_mean"), stated.get("image_std")
    is_stated = mean is not None and std is not None
    # The processors that exchange red and blue (MobileViT's) normalize nothing unless they say so.
    does_by_itself = is_stated or not stated.get("do_flip_channel_order")
    if not stated.get("do_normalize", does_by_itself):
        return 0.0, 1.0, ""
    return (mean, std, "") if is_stated else (0.5, 0.5, ASSUMED)


def _read_scale(stated: dict[str, Any]) -> float:
    """What a pixel is divided by."""
    if not stated.get("do_rescale", True):
        return 1.0
    factor = stated.get("rescale_factor")
    if factor is None:
        return 255.0
    if not isinstance(factor, (int, float)) or not factor > 0:
        raise PreprocessingInvalid("rescale_factor is a number above zero.")
    # Files state 1/255 in decimals.
    exact = round(1 / factor)
    return float(exact) if exact and abs(exact * factor - 1) < 1e-6 else 1 / factor


def _read_three(name: str, values: Any, order: int) -> tuple[float, float, float]:
    numbers = values if isinstance(values, list) else [values]
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) != 3 or not all(isinstance(one, (int, float)) for one in numbers):
        raise PreprocessingInvalid(f"{name} of the processor is no list of three numbers.")
    first, second, third = (float(one) for one in numbers[::order])
    return first, second, third
