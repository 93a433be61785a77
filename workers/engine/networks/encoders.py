"""Latents of a sparse autoencoder on a layer, as the layer LATENTS of a joined network.

With x (C,) the layer's units in one cell, latents = activation(W (x - d) + b): the weight W and the bias b of the
encoder, the bias d of the decoder. ReLU and TopK [Gao et al., Scaling and evaluating sparse autoencoders, 2024],
JumpReLU [Rajamanoharan et al., Jumping Ahead, 2024]: z where z exceeds the latent's threshold, else 0.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workers.engine.networks.checkpoints import NetworkError, Tensors, keeps_numbers, read_checkpoint, spell_kind
from workers.engine.networks.encoder_recipe import IGNORED, LATENTS, EncoderRecipe
from workers.engine.networks.hooks import find_layer, split_call
from workers.engine.networks.identity import hash_tensors
from workers.engine.networks.layer_maps import LayerShape, as_maps, spell_shape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.map_axes import Asked
from workers.engine.networks.probing import probe_layers
from workers.engine.plurals import say_count

# What published files call each tensor, the last parts of their names. Of the weight: latents first, or last.
LATENTS_FIRST = ("encoder.weight", "enc.weight", "encoder.0.weight")
LATENTS_LAST = ("W_enc", "w_enc")
BIASES = ("encoder.bias", "enc.bias", "encoder.0.bias", "b_enc", "latent_bias")
DECODER_BIASES = ("b_dec", "decoder.bias", "dec.bias", "pre_bias", "bias_pre")
# dictionary_learning's ReLU encoder calls the decoder's bias so; `encoder.bias` is another.
BARE_BIAS = "bias"
K = ("k",)
THRESHOLDS, LOG_THRESHOLDS = ("threshold", "jumprelu.threshold"), ("log_threshold",)
# An encoder of two paths, one of which opens the other.
GATES = ("W_gate", "b_gate", "r_mag", "b_mag", "gate.weight")


@dataclass(frozen=True)
class EncoderTensors:
    """`weight` (L, C), `bias` (L,), `center` (C,) and `threshold` (L,) in float32; None if the file has none. `k`: how
    many latents of a cell are kept, if the file says so; else 0.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None
    center: torch.Tensor | None
    threshold: torch.Tensor | None
    k: int = 0


class Encoder(nn.Module):
    """(B, C, h, w) maps to (B, L, h, w) latents, cell by cell."""

    bias: torch.Tensor | None
    center: torch.Tensor | None
    threshold: torch.Tensor

    def __init__(self, tensors: EncoderTensors, *, activation: str, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(tensors.weight[:, :, None, None], requires_grad=False)
        for name in ("bias", "center", "threshold"):
            self.register_buffer(name, getattr(tensors, name))
        # Where k of the file decides: releases before did not read it, and this is another encoder than theirs.
        self.register_buffer("stated_k", torch.tensor(tensors.k) if tensors.k else None)
        self.activation, self.k = activation, k

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        x = maps.to(self.weight.dtype)
        if self.center is not None:
            x = x - self.center[:, None, None]
        z = functional.conv2d(x, self.weight, self.bias)
        if self.k:
            least = z.topk(self.k, dim=1).values[:, -1:]
            return torch.where(z >= least, functional.relu(z), 0.0)
        if self.activation == "jumprelu":
            return torch.where(z > self.threshold[:, None, None], z, 0.0)
        return functional.relu(z)


class Encoded(nn.Module):
    """The network as it is, with the latents of one layer computed as soon as that layer has run."""

    def __init__(self, network: nn.Module, shape: LayerShape, encoder: Encoder) -> None:
        super().__init__()
        self.network, self.latents, self.shape = network, encoder, shape
        self._wanted, self._calls = split_call(shape.path)[1] or 0, 0

    def _encode(self, _module: nn.Module, _inputs: object, output: object) -> None:
        if self._calls == self._wanted:
            self.latents(as_maps(shape=self.shape, output=output))
        self._calls += 1

    def forward(self, images: torch.Tensor) -> Any:
        self._calls = 0
        handle = find_layer(module=self.network, path=self.shape.path).register_forward_hook(self._encode)
        try:
            return self.network(images)
        finally:
            handle.remove()


def add_encoder(*, base: LoadedNetwork, recipe: EncoderRecipe, path: Path, device: str = "cpu") -> LoadedNetwork:
    """The network with the encoder of the file on its layer. Raises NetworkError, LayerError."""
    asked = Asked(axes=recipe.axes, tokens=recipe.tokens)
    px = base.preprocessing.input_px
    shape = probe_layers(module=base.module, paths=[recipe.layer], input_px=px, device=device, asked=asked)
    layer = shape[recipe.layer]
    tensors = read_encoder(path, n_units=layer.n_units, layer=recipe.layer)
    if recipe.decoder_bias == IGNORED:
        tensors = replace(tensors, center=None)
    if recipe.activation:
        tensors = replace(tensors, k=0)
    activation = _choose_activation(recipe, tensors, path.name)
    encoder = Encoder(tensors, activation=activation, k=replace(recipe, activation=activation).k).to(device).eval()
    module = Encoded(base.module, layer, encoder).eval()
    return replace(
        base,
        architecture=recipe.name,
        module=module,
        weights_sha256=hash_tensors(module),
        note=" ".join(filter(None, [base.note, _spell(recipe, tensors, activation, path.name)])),
    )


def with_other_base(encoded: LoadedNetwork, base: LoadedNetwork) -> LoadedNetwork:
    """The same encoder on the same layer of another network of that architecture."""
    own = encoded.module
    assert isinstance(own, Encoded)
    module = Encoded(base.module, own.shape, own.latents).eval()
    return replace(base, architecture=encoded.architecture, module=module, weights_sha256=hash_tensors(module))


def _choose_activation(recipe: EncoderRecipe, tensors: EncoderTensors, name: str) -> str:
    n_latents = len(tensors.weight)
    if (k := recipe.k or tensors.k) > n_latents:
        raise NetworkError(f"{name} has {say_count(n_latents, 'latent')}: topk-{k} is more than there are.")
    if recipe.activation == "jumprelu" and tensors.threshold is None:
        raise NetworkError(f"{name} has no thresholds, which jumprelu needs: state relu or topk-K.")
    if not tensors.k:
        return recipe.activation or ("relu" if tensors.threshold is None else "jumprelu")
    if tensors.threshold is not None:
        raise NetworkError(
            f"{name} has both k = {tensors.k} and thresholds: state its activation, topk-{tensors.k} if it was trained "
            "with TopK, or jumprelu with BatchTopK."
        )
    return f"topk-{tensors.k}"


def _spell(recipe: EncoderRecipe, tensors: EncoderTensors, activation: str, name: str) -> str:
    """What was made of the file, in words."""
    chosen = "as stated" if recipe.activation else "as the file suggests"
    center = "is subtracted first" if tensors.center is not None else "is not subtracted"
    return (
        f"{LATENTS}: {say_count(len(tensors.weight), 'latent')} of {name} on {recipe.layer}, {activation} {chosen}; "
        f"the decoder's bias {center}."
    )


def read_encoder(path: Path, *, n_units: int, layer: str) -> EncoderTensors:
    """The encoder's tensors for vectors of n_units values. Raises NetworkError."""
    groups = read_checkpoint(path)
    tensors = next((one for one in groups.values() if _find(one, LATENTS_FIRST + LATENTS_LAST)), None)
    if tensors is None:
        known = sorted({key for one in groups.values() for key in one})
        raise NetworkError(
            f"{path.name} holds no encoder: none of {', '.join(LATENTS_FIRST + LATENTS_LAST)} is among its tensors, "
            f"which are {', '.join(known[:8])}. Save the encoder's weight under one of these names."
        )
    if gate := _find(tensors, GATES):
        raise NetworkError(
            f"{path.name} holds a gated encoder ({gate[0]}), which is not read. Save its latents as an array and "
            "dissect that (--activations), or write a module (docs/zoo.md)."
        )
    weight = _orient(tensors, n_units=n_units, layer=layer, name=path.name)
    n_latents = len(weight)
    found = EncoderTensors(
        weight=weight,
        bias=_vector(tensors, BIASES, n_latents, path.name),
        center=_vector(tensors, (*DECODER_BIASES, *_name_bare_bias(tensors)), n_units, path.name),
        threshold=_read_threshold(tensors, n_latents, path.name),
        k=_read_k(tensors),
    )
    for part in (found.weight, found.bias, found.center, found.threshold):
        if part is not None and not bool(torch.isfinite(part).all()):
            raise NetworkError(f"{path.name} holds values that are not finite.")
    return found


def _orient(tensors: Tensors, *, n_units: int, layer: str, name: str) -> torch.Tensor:
    """(L, C) of the weight: the bias tells which axis the latents are, else the tensor's name."""
    key, weight = _find(tensors, LATENTS_FIRST + LATENTS_LAST) or ("", torch.zeros(0))
    weight = _as_floats(key, weight, name)
    flat = weight.flatten(1) if weight.ndim == 4 and weight.shape[2:] == (1, 1) else weight
    if flat.ndim != 2 or n_units not in flat.shape:
        raise NetworkError(
            f"{key} of {name} is {spell_shape(weight.shape)}, and {layer} has {say_count(n_units, 'unit')}: name the "
            "layer that the encoder was trained on."
        )
    bias = _find(tensors, BIASES)
    by_bias = [axis for axis in (0, 1) if bias is not None and flat.shape[axis] == bias[1].numel()]
    fits = [axis for axis in by_bias or (0, 1) if flat.shape[1 - axis] == n_units]
    named = 1 if key.endswith(LATENTS_LAST) else 0
    axis = fits[0] if len(fits) == 1 else named
    return (flat if axis == 0 else flat.T).contiguous()


def _vector(tensors: Tensors, names: tuple[str, ...], length: int, file: str) -> torch.Tensor | None:
    found = _find(tensors, names)
    if found is None:
        return None
    key, values = found
    if values.numel() != length:
        raise NetworkError(f"{key} of {file} has {say_count(values.numel(), 'value')}, not {length}.")
    return _as_floats(key, values, file).flatten().contiguous()


def _as_floats(key: str, values: torch.Tensor, file: str) -> torch.Tensor:
    """Raises NetworkError for numbers that are quantized or complex."""
    if not keeps_numbers(values, torch.empty(0)):
        raise NetworkError(
            f"{key} of {file} is {spell_kind(values)}: give the encoder in float32, float16 or bfloat16."
        )
    return values.float()


def _name_bare_bias(tensors: Tensors) -> list[str]:
    """The bias beside the encoder, not within it."""
    key, _ = _find(tensors, LATENTS_FIRST) or ("", None)
    beside = next((f"{key.removesuffix(name)}{BARE_BIAS}" for name in LATENTS_FIRST if key.endswith(name)), "")
    return [beside] if beside in tensors else []


def _read_k(tensors: Tensors) -> int:
    _, values = _find(tensors, K) or ("", torch.zeros(0))
    is_one = values.numel() == 1 and not values.is_floating_point() and not values.is_complex()
    return max(0, int(values)) if is_one else 0


def _read_threshold(tensors: Tensors, n_latents: int, name: str) -> torch.Tensor | None:
    """One value stands for all latents; below 0 it was never estimated."""
    one = _find(tensors, THRESHOLDS)
    if one is not None and one[1].numel() == 1 != n_latents:
        value = _as_floats(*one, name).flatten()
        return value.expand(n_latents).contiguous() if float(value) >= 0 else None
    plain = _vector(tensors, THRESHOLDS, n_latents, name)
    if plain is not None:
        return plain
    log = _vector(tensors, LOG_THRESHOLDS, n_latents, name)
    return None if log is None else log.exp()


def _find(tensors: Tensors, names: tuple[str, ...]) -> tuple[str, torch.Tensor] | None:
    """The first tensor whose name is one of the names, or ends with one after a dot."""
    for name in names:
        for key in sorted(tensors):
            if key == name or key.endswith(f".{name}"):
                return key, tensors[key]
    return None
