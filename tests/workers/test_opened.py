"""A GPU process that lives on notices every file that a checkpoint consists of."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from workers import opened
from workers.contract import DissectionRequest


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    opened._last_network.clear()
    yield
    opened._last_network.clear()


def save_shards(folder: Path, seeds: tuple[int, int]) -> None:
    """SqueezeNet in two files and an index; each file is of the network that its seed draws."""
    weight_map = {}
    for i, seed in enumerate(seeds):
        torch.manual_seed(seed)
        state = torchvision.models.get_model("squeezenet1_1", weights=None).state_dict()
        name = f"model-{i + 1:05}-of-00002.safetensors"
        part = {key: state[key] for key in sorted(state) if (key >= "features.1") == bool(i)}
        save_file(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


@pytest.mark.parametrize("asked", ["model-00001-of-00002.safetensors", "model.safetensors.index.json"])
def test_a_shard_overwritten_beside_the_named_file_is_read_again(tmp_path: Path, asked: str) -> None:
    request = DissectionRequest(
        dissection_id="1", architecture="torchvision:squeezenet1_1", weights=str(tmp_path / asked), preprocessing=None,
        layers=["features.3"], images="", artifact="",
    )  # fmt: skip
    found = []
    for seeds in ((4, 4), (4, 5), (4, 4)):
        save_shards(tmp_path, seeds)
        found.append(opened.open_network(request=request, surveyed=None, device="cpu").identity())
    assert found[0]["weights_sha256"] != found[1]["weights_sha256"]
    assert found[0]["file_sha256"] != found[1]["file_sha256"]
    assert found[0] == found[2]
