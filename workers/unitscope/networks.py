"""Which network is meant: by name, as the commands name it, or a module that lies in memory."""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workers import config
from workers.engine.networks import loading
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.encoder_recipe import SUBTRACTED, EncoderRecipe
from workers.engine.networks.encoders import add_encoder
from workers.engine.networks.identity import FROM_CODE, hash_tensors
from workers.engine.networks.loading import MEMORY_FORMAT, LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import Built
from workers.engine.networks.sources.plain import make_plain
from workers.engine.networks.zoo import ZOO, find_row

Named = str | nn.Module | LoadedNetwork


def load_network(
    network: Named,
    *,
    weights: str | os.PathLike[str] | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | None = None,
    device: str = "cpu",
    layers: Sequence[str] = (),
) -> LoadedNetwork:
    """A network by the name that the commands take (`torchvision:NAME`, `zoo:NAME`, `package.module:function`) with a
    checkpoint, or a copy of a module, in eval mode. Raises NetworkError, ZooError, PreprocessingInvalid, TypeError.

    A module is taken out of DataParallel and torch.compile, and runs in single precision. Its input is ImageNet's
    unless `preprocessing` says otherwise, whole or in part (`{"input_px": 96}`). It is recorded by its class and by the
    digest of its tensors; by name and file a network is recorded as the command `dissect` does, so that the results are
    the same files.
    """
    _demand_device(device)
    if isinstance(network, LoadedNetwork):
        if weights is not None or preprocessing is not None:
            raise TypeError("The network was loaded already, with its weights and its preprocessing.")
        return network
    if preprocessing is not None and not isinstance(preprocessing, Preprocessing | Mapping):
        raise TypeError(
            f"preprocessing is a Preprocessing or a dict of its values, not a {type(preprocessing).__name__}."
        )
    if isinstance(network, nn.Module):
        if weights is not None:
            raise TypeError("A module has its weights already: load them into it, or give the network by name.")
        return _take_module(network, preprocessing, device)
    if not isinstance(network, str):
        raise TypeError(
            "A network is a name, a torch.nn.Module or what load_network gave, and not of type "
            f"{type(network).__name__}."
        )
    if weights is not None and not isinstance(weights, str | os.PathLike):
        raise TypeError(
            f"weights is the path of a file, and not of type {type(weights).__name__}: load them into a module, and "
            "give that."
        )
    if network.startswith(ZOO):
        if weights is not None or preprocessing is not None:
            raise TypeError("A network of the zoo has its own weights and its own preprocessing.")
        row = find_row(network.removeprefix(ZOO))
        return loading.load_zoo_network(row=row, folder=config.zoo_folder(), device=device)
    return loading.load_network(
        architecture=network,
        weights=None if weights is None else Path(weights).expanduser(),
        preprocessing=preprocessing,
        device=device,
        layers=layers,
    )


def encode(
    network: LoadedNetwork,
    encoder: str | os.PathLike[str],
    *,
    layer: str,
    activation: str = "",
    decoder_bias: str = SUBTRACTED,
) -> LoadedNetwork:
    """The network with the encoder of a sparse autoencoder on one of its layers: dissect its layer "latents".

    activation: "relu", "jumprelu", "topk-32"; empty: jumprelu if the file has thresholds, else relu. decoder_bias:
    "subtracted" from what the encoder gets, if the file has one, or "ignored". Raises NetworkError, LayerError,
    EncoderInvalid.
    """
    recipe = EncoderRecipe(network.architecture, layer, activation, decoder_bias)
    return add_encoder(base=network, recipe=recipe, path=Path(encoder), device=find_device(network))


def find_device(network: Named) -> str:
    """Where a loaded network lies; for any other a GPU, if there is one."""
    if isinstance(network, LoadedNetwork):
        tensors = (*network.module.parameters(), *network.module.buffers())
        return str(tensors[0].device) if tensors else "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _demand_device(device: str) -> None:
    """Raises NetworkError if torch cannot compute there."""
    try:
        found = torch.empty(0, device=device).device.type
    except (RuntimeError, AssertionError, TypeError, ValueError):
        found = ""
    if found in ("", "meta"):
        n_gpus = torch.cuda.device_count()
        there = ", ".join(["'cpu'", *(f"'cuda:{i}'" for i in range(n_gpus))])
        raise NetworkError(f"There is no device {device!r} here; torch has {there}.")


def _take_module(
    module: nn.Module, preprocessing: Preprocessing | Mapping[str, Any] | None, device: str
) -> LoadedNetwork:
    """A copy: the caller's module keeps its mode, its device, its gradients and what wraps it."""
    stated = (getattr(one, "preprocessing", None) for one in (module, getattr(module, "module", None)))
    usual = next((one for one in stated if isinstance(one, Preprocessing)), Preprocessing())
    chosen = preprocessing if isinstance(preprocessing, Preprocessing) else usual.stated(preprocessing or {})
    built = make_plain(Built(copy.deepcopy(module), chosen))
    digest = hash_tensors(built.module)
    module = built.module.to(device=device, memory_format=MEMORY_FORMAT).eval()  # type: ignore[call-overload]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    kind = type(module)
    return LoadedNetwork(
        architecture=f"module:{kind.__module__}.{kind.__qualname__}",
        module=module,
        preprocessing=chosen,
        weights_sha256=digest,
        weights_from=FROM_CODE,
        note=built.note,
    )
