"""Load a network with its weights and say what input it takes; a checkpoint is data and is never executed.

Where networks come from by name stands in sources/table.py; a function of a person's own gives any nn.Module.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workers.engine.networks.checkpoints import NetworkError, read_checkpoint, read_class_names
from workers.engine.networks.code import CodeChanged, hash_built, hash_version
from workers.engine.networks.filling import fill, find_classes, unwrap
from workers.engine.networks.identity import FROM_CODE, FROM_FILE, RANDOM, hash_tensors, is_constant, list_weights
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.source_names import (
    LIBRARIES,
    TIMM,
    TORCHVISION,
    UNITSCOPE,
    has_own_code,
    name_module,
    split_source,
)
from workers.engine.networks.sources.built import Built
from workers.engine.networks.sources.own_networks import MOBILENET_SAME
from workers.engine.networks.sources.table import build_architecture
from workers.engine.networks.zoo import ZooRow, fetch_weights

# Channels-last convolutions are 1.3 to 2 times as fast on the CPUs and GPUs that were tried; the numbers depend on
# it, so it is fixed.
MEMORY_FORMAT = torch.channels_last


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
    preprocessing: Preprocessing | Mapping[str, Any] | None = None,
    device: str = "cpu",
    seed: int = 0,
    keep: str = "",
    layers: Sequence[str] = (),
) -> LoadedNetwork:
    """Build the architecture and fill it with a checkpoint (.safetensors, .pth, .pt, .pth.tar); None keeps weights
    drawn by `seed`. A classifier that does not fit is no fault if none of the `layers` lies in it. A preprocessing may
    be stated in part (JSON): the rest is the architecture's own.

    Raises ArchitectureNotFound, CheckpointUnreadable or CheckpointMismatch.
    """
    built = _build_seeded(architecture, seed)
    stated = preprocessing or {}
    is_guess = not isinstance(stated, Preprocessing) and not {"mean", "std"} <= stated.keys()
    notes, n_classes = [built.note, built.assumed if is_guess else ""], None
    if weights is not None:
        groups = {
            place: {key: one for key, one in tensors.items() if unwrap(key).startswith(keep)}
            for place, tensors in read_checkpoint(weights).items()
        }
        n_classes = find_classes(module=built.module, groups=groups) if _takes_classes(architecture) else None
        if n_classes is not None:
            built = _build_seeded(name_with_classes(architecture, n_classes), seed)
        notes.append(
            fill(module=built.module, groups=groups, name=weights.name, layers=layers, saved_names=built.saved_names)
        )
    module = built.module
    weights_from = FROM_FILE if weights is not None else _find_origin(architecture, module, seed)
    digest = hash_tensors(module)
    module = module.to(device=device, memory_format=MEMORY_FORMAT).eval()  # type: ignore[call-overload]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return LoadedNetwork(
        architecture=architecture,
        module=module,
        preprocessing=stated if isinstance(stated, Preprocessing) else built.preprocessing.stated(stated),
        weights_sha256=digest,
        source_sha256=_hash_source(architecture, module),
        weights_from=weights_from,
        note=" ".join(note for note in notes if note),
        n_classes=n_classes,
        class_names=read_class_names(weights) if weights is not None else (),
    )


def name_with_classes(architecture: str, n_classes: int | None) -> str:
    """The architecture with a classifier of that size; None stands for the architecture's own."""
    return architecture if n_classes is None else f"{architecture}?num_classes={n_classes}"


def _takes_classes(architecture: str) -> bool:
    source, name = split_source(architecture)
    return "?" not in name and (source in (TORCHVISION, TIMM) or (source, name) == (UNITSCOPE, MOBILENET_SAME))


def _build_seeded(architecture: str, seed: int) -> Built:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_architecture(architecture)


def _find_origin(architecture: str, module: nn.Module, seed: int) -> str:
    """Whether a network without a file was drawn by the seed: only a function can set weights of its own.

    A trained backbone with a new classifier has learned something, so one tensor that the code sets is enough.
    """
    if not has_own_code(architecture):
        return RANDOM
    other = _build_seeded(architecture, seed + 1).module
    if hash_tensors(other) == hash_tensors(module):
        return FROM_CODE
    pairs = zip(list_weights(module), list_weights(other), strict=True)
    is_drawn = all(is_constant(one) or not torch.equal(one, again) for one, again in pairs)
    return RANDOM if is_drawn else FROM_CODE


def _hash_source(architecture: str, module: nn.Module) -> str:
    """Digest of the code of a function's network, or of the version of a library that is not torch's; empty for other
    architectures that are known by name.
    """
    source = name_module(architecture)
    if not has_own_code(architecture) and source not in LIBRARIES:
        return ""
    try:
        return hash_version(source) if source in LIBRARIES else hash_built(source, module)
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
