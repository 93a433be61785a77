"""Load a network with its weights and say what input it takes; a checkpoint is data and is never executed.

Architectures by name: `torchvision:NAME`, `unitscope:NAME`, or `package.module:function` for any nn.Module;
`surgery:...` is one of these, cut and with a new head (surgery_recipe.py).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workers.engine.networks.checkpoints import NetworkError, first_line, read_checkpoint, read_class_names
from workers.engine.networks.code import CodeChanged, hash_built, import_fresh, without_compiled_files
from workers.engine.networks.filling import fill, find_classes, unwrap
from workers.engine.networks.identity import FROM_CODE, FROM_FILE, RANDOM, hash_tensors, is_constant, list_weights
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.surgery import operate
from workers.engine.networks.surgery_recipe import SURGERY, Recipe, RecipeInvalid, find_base
from workers.engine.networks.zoo import ZooRow, fetch_weights

# Channels-last convolutions are 1.3 to 2 times as fast on the CPUs and GPUs that were tried; the numbers depend on
# it, so it is fixed.
MEMORY_FORMAT = torch.channels_last


class ArchitectureNotFound(NetworkError):
    """No network goes by that name."""


EFFICIENTNET_LITE_INPUT = Preprocessing(mean=(127.0,) * 3, std=(128.0,) * 3, scale=1.0, interpolation="bicubic")
# torchvision's MobileNetV2, padded as TensorFlow pads: for weights that were trained there.
MOBILENET_SAME = "mobilenet_v2_same"
MOBILENET_SAME_INPUT = Preprocessing(mean=(128.0,) * 3, std=(128.0,) * 3, scale=1.0)
TORCHVISION_INPUT_PX = {"inception_v3": 299}
# What a row of the zoo calls its input.
ZOO_INPUTS = {
    "imagenet": Preprocessing(),
    "half": Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    "caffe": Preprocessing(
        input_px=227, mean=(104.00699, 116.66877, 122.67892), std=(1.0, 1.0, 1.0), scale=1.0, channels="BGR"
    ),
}


@dataclass(frozen=True)
class LoadedNetwork:
    """A module in eval mode with its input convention, and what tells it from others (docs/measures.md, Networks).

    `weights_sha256` is the digest of the tensors as they run, `source_sha256` that of the code of a function's network.
    `weights_from` says where the tensors came from: a file, the function's own code, a seed, or saved activations;
    `note` which tensors of a file were taken, if that was not plain. `n_classes` is the number of classes of the file's
    classifier, if it is not the architecture's own: with another number the same seed draws other weights.
    `class_names` are those that the file states, if it does.
    """

    architecture: str
    module: nn.Module
    preprocessing: Preprocessing
    weights_sha256: str
    source_sha256: str = ""
    weights_from: str = FROM_FILE
    note: str = ""
    n_classes: int | None = None
    class_names: tuple[str, ...] = ()

    @property
    def is_random(self) -> bool:
        """True if the weights were drawn by a seed: the network has learned nothing."""
        return self.weights_from == RANDOM

    def describe(self) -> dict[str, Any]:
        """What an artifact records of a network; equal for equal networks, wherever their files lie."""
        stated = {
            "architecture": self.architecture,
            "weights_sha256": self.weights_sha256,
            "source_sha256": self.source_sha256,
            "weights_from": self.weights_from,
            "preprocessing": self.preprocessing.to_json(),
        }
        return stated if self.n_classes is None else {**stated, "n_classes": self.n_classes}


def load_network(
    *,
    architecture: str,
    weights: Path | None,
    preprocessing: Preprocessing | None = None,
    device: str = "cpu",
    seed: int = 0,
    keep: str = "",
    layers: Sequence[str] = (),
) -> LoadedNetwork:
    """Build the architecture and fill it with a checkpoint (.safetensors, .pth, .pt, .pth.tar); None keeps weights
    drawn by `seed`. A classifier that does not fit is no fault if none of the `layers` lies in it.

    Raises ArchitectureNotFound, CheckpointUnreadable or CheckpointMismatch.
    """
    module, default_input = _build_seeded(architecture, seed)
    note, n_classes = "", None
    if weights is not None:
        groups = {
            place: {key: one for key, one in tensors.items() if unwrap(key).startswith(keep)}
            for place, tensors in read_checkpoint(weights).items()
        }
        n_classes = find_classes(module=module, groups=groups) if _takes_classes(architecture) else None
        if n_classes is not None:
            module, _ = _build_seeded(name_with_classes(architecture, n_classes), seed)
        note = fill(module=module, groups=groups, name=weights.name, layers=layers)
    weights_from = FROM_FILE if weights is not None else _find_origin(architecture, module, seed)
    digest = hash_tensors(module)
    module = module.to(device=device, memory_format=MEMORY_FORMAT).eval()  # type: ignore[call-overload]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return LoadedNetwork(
        architecture=architecture,
        module=module,
        preprocessing=preprocessing or default_input,
        weights_sha256=digest,
        source_sha256=_hash_source(architecture, module),
        weights_from=weights_from,
        note=note,
        n_classes=n_classes,
        class_names=read_class_names(weights) if weights is not None else (),
    )


def name_with_classes(architecture: str, n_classes: int | None) -> str:
    """The architecture with a classifier of that size; None stands for the architecture's own."""
    return architecture if n_classes is None else f"{architecture}?num_classes={n_classes}"


def _takes_classes(architecture: str) -> bool:
    is_torchvisions = architecture.startswith("torchvision:") or architecture == f"unitscope:{MOBILENET_SAME}"
    return is_torchvisions and "?" not in architecture


def _build_seeded(architecture: str, seed: int) -> tuple[nn.Module, Preprocessing]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _build(architecture)


def _find_origin(architecture: str, module: nn.Module, seed: int) -> str:
    """Whether a network without a file was drawn by the seed: only a function can set weights of its own.

    A trained backbone with a new classifier has learned something, so one tensor that the code sets is enough.
    """
    if not has_own_code(architecture):
        return RANDOM
    other, _ = _build_seeded(architecture, seed + 1)
    if hash_tensors(other) == hash_tensors(module):
        return FROM_CODE
    pairs = zip(list_weights(module), list_weights(other), strict=True)
    is_drawn = all(is_constant(one) or not torch.equal(one, again) for one, again in pairs)
    return RANDOM if is_drawn else FROM_CODE


def has_own_code(architecture: str) -> bool:
    """True for `package.module:function`: code that a person may edit while this process lives."""
    source, _, name = find_base(architecture).partition(":")
    return bool(name) and source not in ("torchvision", "unitscope", "zoo")


def name_module(architecture: str) -> str:
    """The module of `package.module:function`, also if the function's network was cut."""
    return find_base(architecture).partition(":")[0]


def _hash_source(architecture: str, module: nn.Module) -> str:
    """Digest of the code of a function's network; empty for architectures that are known by name."""
    if not has_own_code(architecture):
        return ""
    try:
        return hash_built(name_module(architecture), module)
    except CodeChanged as changed:
        raise NetworkError(str(changed)) from None


def load_zoo_network(*, row: ZooRow, folder: Path, device: str = "cpu") -> LoadedNetwork:
    """Fetch the row's weights if need be and load it; weights of the random one are drawn by seed 0.

    Raises ZooError or NetworkError.
    """
    return load_network(
        architecture=row.architecture,
        weights=None if row.form == "random" else fetch_weights(row=row, folder=folder).path,
        preprocessing=ZOO_INPUTS[row.input],
        device=device,
        keep=row.keep,
    )


def file_sha256(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(architecture: str) -> tuple[nn.Module, Preprocessing]:
    source, _, name = architecture.partition(":")
    if not name:
        raise ArchitectureNotFound(f"{architecture!r} is not of the form torchvision:NAME or package.module:function.")
    if source == "unitscope":
        return _build_own(name)
    if source == "torchvision":
        return _build_torchvision(name)
    if architecture.startswith(SURGERY):
        return _build_cut(architecture)
    return _build_by_function(source, name)


def _build_own(name: str) -> tuple[nn.Module, Preprocessing]:
    from workers.engine.networks.caffe_alexnet import VARIANTS, CaffeAlexNet
    from workers.engine.networks.efficientnet_lite import EfficientNetLite0
    from workers.engine.networks.same_padding import pad_same

    variant = name.removeprefix("caffe_alexnet_")
    if variant != name and variant in VARIANTS:
        return CaffeAlexNet(variant), Preprocessing(input_px=227)
    if name == "efficientnet_lite0":
        return EfficientNetLite0(), EFFICIENTNET_LITE_INPUT
    if name.partition("?")[0] == MOBILENET_SAME:
        module, _ = _build_torchvision(name.replace(MOBILENET_SAME, "mobilenet_v2"))
        pad_same(module)
        return module, MOBILENET_SAME_INPUT
    own = ", ".join(["efficientnet_lite0", MOBILENET_SAME, *(f"caffe_alexnet_{one}" for one in VARIANTS)])
    raise ArchitectureNotFound(f"Unitscope itself defines {own} and no {name!r}.")


def _build_cut(architecture: str) -> tuple[nn.Module, Preprocessing]:
    try:
        recipe = Recipe.parse(architecture)
    except RecipeInvalid as invalid:
        raise ArchitectureNotFound(str(invalid)) from None
    base, own_input = _build(recipe.base)
    px = recipe.px or own_input.input_px
    return operate(base, recipe, input_px=px), replace(own_input, input_px=px)


def _build_torchvision(name: str) -> tuple[nn.Module, Preprocessing]:
    import torchvision

    name, _, asked = name.partition("?num_classes=")
    names = torchvision.models.list_models(module=torchvision.models)
    if name not in names:
        raise ArchitectureNotFound(f"torchvision has no network {name!r}; it has {', '.join(names)}.")
    # GoogLeNet and Inception would otherwise spend seconds drawing truncated normals and warn about it.
    extra: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if asked:
        if not asked.isdecimal() or not 1 <= int(asked) <= 100_000:
            raise ArchitectureNotFound(f"{asked!r} is no number of classes.")
        extra["num_classes"] = int(asked)
    module: nn.Module = torchvision.models.get_model(name, weights=None, **extra)
    return module, replace(Preprocessing(), input_px=TORCHVISION_INPUT_PX.get(name, 224))


def _build_by_function(module_name: str, function_name: str) -> tuple[nn.Module, Preprocessing]:
    try:
        function = getattr(import_fresh(module_name), function_name, None)
    except Exception as error:
        # A person's module may fail in any way while it is imported.
        raise ArchitectureNotFound(f"{module_name} cannot be imported: {_in_words(error)}") from None
    if not callable(function):
        raise ArchitectureNotFound(f"{module_name} has no function {function_name}.")
    try:
        with without_compiled_files():
            built = function()
    except Exception as error:
        raise ArchitectureNotFound(f"{module_name}:{function_name}() fails: {_in_words(error)}") from None
    if not isinstance(built, nn.Module):
        raise ArchitectureNotFound(f"{module_name}:{function_name} gives a {type(built).__name__}, not a network.")
    own_input = getattr(built, "preprocessing", None)
    return built, own_input if isinstance(own_input, Preprocessing) else Preprocessing()


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def normalize(*, pixels: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """(B, H, W, 3) uint8 images to the (B, 3, H, W) float32 input of the network, channels last in memory."""
    mean = torch.tensor(preprocessing.mean, device=pixels.device)
    std = torch.tensor(preprocessing.std, device=pixels.device)
    x = pixels.to(torch.float32)
    if preprocessing.channels == "BGR":
        x = x.flip(3)
    if preprocessing.scale != 1:
        x.div_(preprocessing.scale)
    return x.sub_(mean).div_(std).permute(0, 3, 1, 2)
