"""Encoders of sparse autoencoders on a layer, against the formulas written in NumPy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import default_rng
from numpy.typing import NDArray
from safetensors.torch import save_file

from tests.workers.engine import making
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.encoder_recipe import LATENTS, EncoderInvalid, EncoderRecipe, find_encoded
from workers.engine.networks.encoders import add_encoder
from workers.engine.networks.hooks import reading
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.random_weights import draw_weights
from workers.engine.networks.receptive_field import find_placings

N_UNITS, N_LATENTS = 5, 12
LAYER = "4"
Tensors = dict[str, torch.Tensor]


def read_maps(network: LoadedNetwork, path: str) -> NDArray[np.float32]:
    images = torch.from_numpy(default_rng(3).normal(size=(3, 3, 32, 32)).astype(np.float32))
    shapes = probe_layers(module=network.module, paths=[path], input_px=32)
    found: list[torch.Tensor] = []
    with reading(
        module=network.module, shapes=list(shapes.values()), consume=lambda _, maps: found.append(maps.clone())
    ) as run:
        run(images)
    return found[0].numpy()


@pytest.fixture(scope="module")
def base() -> LoadedNetwork:
    return making.tiny_network(seed=4)


@pytest.fixture
def tensors() -> Tensors:
    rng = default_rng(1)
    sizes = {"W": (N_LATENTS, N_UNITS), "b": (N_LATENTS,), "d": (N_UNITS,), "t": (N_LATENTS,)}
    return {name: torch.from_numpy(rng.normal(size=size).astype(np.float32)) for name, size in sizes.items()}


def encoded(base: LoadedNetwork, file: Path, tensors: Tensors, **stated: str) -> LoadedNetwork:
    if file.suffix == ".pt":
        torch.save({"state_dict": tensors}, file)
    else:
        save_file({key: one.contiguous() for key, one in tensors.items()}, file)
    return add_encoder(base=base, recipe=EncoderRecipe("tiny:net", LAYER, **stated), path=file)


def test_latents_are_what_the_formulas_say(base: LoadedNetwork, tensors: Tensors, tmp_path: Path) -> None:
    maps = read_maps(base, LAYER).transpose(0, 2, 3, 1).astype(np.float64)
    w, b, d, t = (tensors[name].double().numpy() for name in "Wbdt")
    z = ((maps - d) @ w.T + b).transpose(0, 3, 1, 2)
    bare = (maps @ w.T + b).transpose(0, 3, 1, 2)
    third = np.sort(z, axis=1)[:, -3:][:, :1]
    linear = {"encoder.weight": tensors["W"], "encoder.bias": tensors["b"], "decoder.bias": tensors["d"]}
    named = {"W_enc": tensors["W"].T, "b_enc": tensors["b"], "b_dec": tensors["d"]}
    dictionary = {"encoder.weight": tensors["W"], "encoder.bias": tensors["b"], "bias": tensors["d"]}
    jumping = {**named, "log_threshold": tensors["t"]}
    for name, given, stated, expected in (
        ("linear.safetensors", linear, {}, z.clip(min=0)),
        ("conv.safetensors", {**linear, "encoder.weight": tensors["W"][..., None, None]}, {}, z.clip(min=0)),
        ("saelens.pt", named, {"activation": "relu"}, z.clip(min=0)),
        ("ignored.pt", named, {"decoder_bias": "ignored"}, bare.clip(min=0)),
        ("topk.pt", {f"module.{key}": one for key, one in named.items()}, {"activation": "topk-3"},
         np.where(z >= third, z.clip(min=0), 0)),
        ("bare.pt", {f"ae.{key}": one for key, one in dictionary.items()}, {}, z.clip(min=0)),
        ("k.pt", {**dictionary, "k": torch.tensor(3), "threshold": torch.tensor(-1.0)}, {},
         np.where(z >= third, z.clip(min=0), 0)),
        ("batch.pt", {**dictionary, "k": torch.tensor(3), "threshold": torch.tensor(0.5)}, {"activation": "jumprelu"},
         np.where(z > 0.5, z, 0)),
        ("jump.safetensors", jumping, {}, np.where(z > np.exp(t)[:, None, None], z, 0)),
    ):  # fmt: skip
        network = encoded(base, tmp_path / name, given, **stated)
        np.testing.assert_allclose(read_maps(network, LATENTS), expected, atol=1e-5, err_msg=name)
        assert f"{N_LATENTS} latents of {name} on {LAYER}" in network.note
        assert network.weights_sha256 != base.weights_sha256
        # The network itself answers as before, and each latent lies where its layer's cells do.
        np.testing.assert_array_equal(read_maps(network, f"network.{LAYER}"), read_maps(base, LAYER))
        fields = [
            find_placings(
                module=one.module, shapes=[*probe_layers(module=one.module, paths=[path], input_px=32).values()],
                input_px=32,
            )[path].geometry
            for one, path in ((base, LAYER), (network, LATENTS))
        ]  # fmt: skip
        assert fields[0] is not None
        assert fields[0] == fields[1], name


@pytest.mark.parametrize("activation", ["relu", "topk-3"])
def test_a_files_k_does_not_count_where_an_activation_is_stated(
    base: LoadedNetwork, tensors: Tensors, tmp_path: Path, activation: str
) -> None:
    """Not even if it is too large; the encoder is the one that it was before k was read."""
    named = {"W_enc": tensors["W"].T, "b_enc": tensors["b"]}
    plain, other = (
        encoded(base, tmp_path / "e.pt", {**named, **more}, activation=activation)
        for more in ({}, {"k": torch.tensor(13)})
    )
    assert other.weights_sha256 == plain.weights_sha256


def test_an_encoder_stays_when_the_weights_are_drawn(tensors: Tensors, tmp_path: Path) -> None:
    from workers.engine.networks.loading import load_network

    base = load_network(architecture="tests.workers.engine.making:tiny_module", weights=None)
    network = encoded(base, tmp_path / "e.pt", {"W_enc": tensors["W"].T, "b_enc": tensors["b"]})
    network = type(network)(**{**vars(network), "architecture": f"encoder:{base.architecture}@{LAYER}?"})
    drawn = draw_weights(network, seed=1)
    assert drawn.architecture == network.architecture
    assert drawn.weights_sha256 != network.weights_sha256
    state, other = network.module.state_dict(), drawn.module.state_dict()
    assert torch.equal(state["latents.weight"], other["latents.weight"])
    assert any(not torch.equal(state[key], other[key]) for key in state)


@pytest.mark.parametrize(
    ("changed", "stated", "said"),
    [
        ({"W_enc": torch.ones(7, 3)}, {}, "has 5 units: name the layer"),
        ({"W_enc": torch.full((5, 12), float("nan"))}, {}, "not finite"),
        ({"b_enc": torch.ones(4)}, {}, "b_enc of .* has 4 values, not 12"),
        ({"b_dec": torch.ones(4)}, {}, "b_dec of .* has 4 values, not 5"),
        ({"W_enc": torch.ones(5, 12, dtype=torch.int8)}, {}, "W_enc of e.pt is int8: give the encoder in float32"),
        ({"b_enc": torch.ones(12, dtype=torch.complex64)}, {}, "b_enc of e.pt is complex64: give"),
        ({"W_gate": torch.ones(5, 12)}, {}, "gated encoder"),
        ({}, {"activation": "jumprelu"}, "has no thresholds"),
        ({}, {"activation": "topk-13"}, "12 latents: topk-13 is more"),
        ({"k": torch.tensor(13)}, {}, "12 latents: topk-13 is more"),
        ({"k": torch.tensor(3), "threshold": torch.tensor(0.5)}, {}, "both k = 3 and thresholds: state its activation"),
        ({"W_enc": None}, {}, "holds no encoder"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_words(
    base: LoadedNetwork, tensors: Tensors, tmp_path: Path, changed: Tensors, stated: dict[str, str], said: str
) -> None:
    given = {"W_enc": tensors["W"].T, "b_enc": tensors["b"], "b_dec": tensors["d"], **changed}
    with pytest.raises(NetworkError, match=said):
        encoded(base, tmp_path / "e.pt", {key: one for key, one in given.items() if one is not None}, **stated)


def test_the_name_of_a_network_with_an_encoder_says_all_of_it() -> None:
    for recipe in (
        EncoderRecipe("torchvision:resnet18", "layer3"),
        EncoderRecipe("surgery:torchvision:alexnet@features.3?head=gap", "a b?", "topk-32", "ignored", "btu", "keep"),
    ):
        assert EncoderRecipe.parse(recipe.name) == recipe
        assert find_encoded(recipe.name) == recipe.base
    for stated in (
        ("encoder:a:b@c?", "d"), ("a:b", ""), ("a:b", "c", "topk-0"), ("a:b", "c", "gelu"), ("a:b", "c" * 300),
        ("a:b", "c", "", "halved"), ("a:b", "c", "", "ignored", "xyz"),
    ):  # fmt: skip
        with pytest.raises(EncoderInvalid):
            EncoderRecipe(*stated)
    for twice_named, said in (
        ("encoder:a:b@c?code=1", "states 'code', which is none of activation, axes"),
        ("encoder:a:b@c?activation=relu&activation=topk-3", "is written 'encoder:a:b@c.activation=topk-3'"),
        ("encoder:a:b@c?axes=btu&activation=relu", "is written 'encoder:a:b@c.activation=relu&axes=btu'"),
        ("encoder:a:b@c?activation", "cannot be read"),
    ):
        with pytest.raises(EncoderInvalid, match=said):
            EncoderRecipe.parse(twice_named)
