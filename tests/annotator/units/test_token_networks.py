"""Transformers, channels-last networks and latents, dissected by the command, against plain NumPy on 20 images.

Each layer's units are taken out of what its module gives by hand, written down here; nothing of the engine's reading is
used for the reference.
"""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from numpy.random import default_rng
from numpy.typing import NDArray
from pytest_django import Settings

from tests.workers.engine import making, oracles
from workers.engine.format.artifact import read_artifact
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.loading import load_network, normalize
from workers.store import open_store

MODULE = "tests.workers.engine.networks.token_networks"
BATCH, TAIL, PX = 5, 0.05, 64
N_COMPARED = 4
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]

Given = NDArray[np.float32]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("broden") / "set"
    making.make_broden(root, rng=default_rng(3), n_images=20)
    return root


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"


def channels_last(given: Given) -> Given:
    return given.transpose(0, 3, 1, 2)


def tokens(given: Given, *, dropped: int = 0) -> Given:
    cells = given[:, dropped:]
    side = round(cells.shape[1] ** 0.5)
    return cells.transpose(0, 2, 1).reshape(len(cells), -1, side, side)


def after_class_token(given: Given) -> Given:
    return tokens(given, dropped=1)


def after_registers(given: Given) -> Given:
    return tokens(given, dropped=5)


def tokens_first(given: Given) -> Given:
    return tokens(given.transpose(1, 0, 2), dropped=1)


def vectors(given: Given) -> Given:
    return given[:, :, None, None]


def as_given(given: Given) -> Given:
    return given


# By network, by layer: how its units are taken out, their number, and stride and offset of its cells in pixels.
VIT = "encoder.layers.encoder_layer_1"
NETWORKS = {
    "swin": {
        "features.1": (channels_last, 24, 4, 1.5),
        "features.3": (channels_last, 48, 8, 3.5),
        "features.3.1.mlp": (channels_last, 48, 8, 3.5),
        "features.3.1.attn": (channels_last, 48, 8, 3.5),
    },
    "convnext": {
        "features.3.1": (as_given, 48, 8, 3.5),
        "features.3.1.block.3": (channels_last, 192, 8, 3.5),
        "features.3.1.block.2": (channels_last, 48, 8, 3.5),
    },
    "transformer": {
        VIT: (after_class_token, 48, 16, 7.5),
        f"{VIT}.mlp": (after_class_token, 48, 16, 7.5),
        f"{VIT}.self_attention": (after_class_token, 48, 16, 7.5),
        f"{VIT}.ln_1": (after_class_token, 48, 16, 7.5),
    },
    "mixer": {"blocks.1": (tokens, 36, 16, 7.5), "blocks.0.channel_mix.1": (tokens, 72, 16, 7.5)},
    "register_transformer": {
        "blocks.1": (after_registers, 32, 16, 7.5),
        "blocks.1.attn": (after_registers, 32, 16, 7.5),
        "blocks.1.mlp.1": (after_registers, 64, 16, 7.5),
        "norm": (after_registers, 32, 16, 7.5),
    },
    "clip_tower": {
        "ln_pre": (after_class_token, 24, 16, 7.5),
        "transformer.1": (tokens_first, 24, 16, 7.5),
        "transformer.1.attn": (tokens_first, 24, 16, 7.5),
    },
    "token_latents": {"latents": (after_class_token, 96, 16, 7.5)},
    "image_latents": {"latents": (vectors, 96, 64, 31.5)},
    "squeezed_resnet18": {"layer2": (as_given, 128, 8, 0.0)},
}


def gather_outputs(network_name: str, layers: list[str], image_set: ImageSet) -> dict[str, Given]:
    """What each module gives for all images, in the batches of the pass; of several tensors the first."""
    network = load_network(architecture=f"{MODULE}:{network_name}", weights=None)
    kept: dict[str, list[Given]] = {path: [] for path in layers}

    def keep(path: str, output: object) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        assert isinstance(tensor, torch.Tensor)
        kept[path].append(tensor.numpy().copy())

    for path in layers:
        network.module.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, output, path=path: keep(path, output)
        )
    with torch.inference_mode():
        for first in range(0, len(image_set.paths), BATCH):
            batch = range(first, min(len(image_set.paths), first + BATCH))
            stack = [image_set.read_pixels(i, preprocessing=network.preprocessing) for i in batch]
            network.module(normalize(pixels=torch.from_numpy(np.stack(stack)), preprocessing=network.preprocessing))
    # A CLIP tower's tokens come first, so that images are joined along the second axis.
    return {
        path: np.concatenate(parts, axis=int(_has_tokens_first(network_name, path))) for path, parts in kept.items()
    }


def _has_tokens_first(network_name: str, path: str) -> bool:
    return NETWORKS[network_name][path][0] is tokens_first


@pytest.mark.parametrize("name", NETWORKS)
def test_units_are_found_and_measured_as_plain_numpy_does(name: str, images: Path) -> None:
    layers = NETWORKS[name]
    output = io.StringIO()
    given = ["--network", f"{MODULE}:{name}", "--images", str(images), "--batch-size", str(BATCH)]
    given += [word for path in layers for word in ("--layer", path)]
    given += ["--n-top", "2", "--n-low", "1", "--tile-px", "16", "--tail", str(TAIL), "--no-chance", "--json"]
    call_command("dissect", *given, stdout=output)
    facts = json.loads(output.getvalue())
    artifact = read_artifact(open_store(facts["artifact"]).read)
    image_set = open_image_set(images)
    outputs = gather_outputs(name, list(layers), image_set)
    for place, (path, (take, n_units, stride, offset)) in enumerate(layers.items()):
        entry, arrays = artifact.manifest["layers"][place], artifact.layer(place)
        maps = take(outputs[path])
        assert entry["n_units"] == n_units == maps.shape[1], path
        assert (entry["map_height"], entry["map_width"]) == maps.shape[2:], path
        peaks = maps.reshape(*maps.shape[:2], -1).max(axis=2)
        np.testing.assert_allclose(arrays["top_peak"][:, 0], peaks.max(axis=0), rtol=1e-4, atol=1e-5)
        wanted = np.array([oracles.threshold_of(maps[:, unit], TAIL) for unit in range(n_units)])
        np.testing.assert_allclose(arrays["threshold"], wanted, rtol=1e-4, atol=1e-5)
        compared = np.argsort(-wanted)[:N_COMPARED]
        # Another process may round a cell that lies at the threshold to the other side, and with it its whole image.
        slack = 1e-5 * np.abs(arrays["threshold"]) + 1e-6
        fewest, most = (
            oracles.count(
                mode="paper", activations=maps[:, compared], thresholds=bound[compared],
                image_set=image_set, px=making.LABEL_PX, input_px=PX, stride=stride, offset=offset,
            )
            for bound in (arrays["threshold"] + slack, arrays["threshold"] - slack)
        )  # fmt: skip
        assert fewest.intersection.sum() > 0
        for name_of, low, high in (
            ("paper_intersection", fewest.intersection, most.intersection),
            ("paper_area", fewest.area, most.area),
        ):
            found = arrays[name_of][compared]
            assert ((low <= found) & (found <= high)).all(), (path, name_of)
        rule = "half_pixel" if take is vectors else "field_centers"
        assert facts["layer_facts"][path]["anchoring"] == rule


def test_what_can_be_read_in_two_ways_is_refused_with_both_and_read_as_named(images: Path) -> None:
    given = ["--network", f"{MODULE}:mixer", "--images", str(images), "--layer", "blocks.0.token_mix", "--no-chance"]
    with pytest.raises(CommandError, match=r"16 units at 36 tokens or 36 units at 16 tokens.*--axes btu or --axes but"):
        call_command("dissect", *given)
    output = io.StringIO()
    call_command("dissect", *given, "--axes", "but", "--n-top", "2", "--n-low", "1", "--tile-px", "16", stdout=output)
    assert "36 units of blocks.0.token_mix" in output.getvalue()
    assert "4 x 4 cells; axes: image, unit, token" in output.getvalue()
    with pytest.raises(CommandError, match="drop-first, drop-last, keep or a number"):
        call_command("dissect", *given, "--tokens", "some")


def test_dropped_tokens_are_said(images: Path) -> None:
    output = io.StringIO()
    given = ["--network", f"{MODULE}:register_transformer", "--images", str(images), "--layer", "norm", "--no-chance"]
    call_command("dissect", *given, "--n-top", "2", "--n-low", "1", "--tile-px", "16", stdout=output)
    assert "the first 5 tokens (cls_token, reg_token) are dropped" in output.getvalue()
    assert "cells at the centers of their receptive fields (field_centers)" in output.getvalue()
