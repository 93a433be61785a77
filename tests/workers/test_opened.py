"""A GPU process that lives on notices every file that a checkpoint consists of."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from tests.workers.engine import making
from workers import opened, store
from workers.contract import DissectionRequest
from workers.engine.images.readers.table import open_image_set
from workers.store import open_store


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


def upload(folder: Path, address: str) -> None:
    there = open_store(address)
    for path in folder.rglob("*"):
        if path.is_file():
            there.write(path.relative_to(folder).as_posix(), path.read_bytes())


def test_for_one_photograph_of_a_set_in_a_store_the_others_are_not_fetched(
    s3_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.make_broden(tmp_path / "set", rng=np.random.default_rng(3), n_images=6)
    upload(tmp_path / "set", f"{s3_root}/broden")
    upload(tmp_path / "set" / "images", f"{s3_root}/plain")
    monkeypatch.setattr(opened.config, "cache_folder", lambda: tmp_path / "cache")
    fetched: list[str] = []
    read = store.S3Store.read_version
    monkeypatch.setattr(store.S3Store, "read_version", lambda self, name: fetched.append(name) or read(self, name))
    whole = open_image_set(tmp_path / "set")
    name = whole.paths[5]
    for _ in range(2):  # the second time nothing is fetched again
        found = opened.open_photograph(f"{s3_root}/broden", "", name)
        index = found.paths.index(name)
        assert found.paths == whole.paths
        assert (found.root / name).read_bytes() == (whole.root / name).read_bytes()
        left, right = found.read_labels(index), whole.read_labels(5)
        assert np.array_equal(left.run_label, right.run_label)
    pictures = [one for one in fetched if one.endswith(".png")]
    n_maps = len(list(whole.list_label_files(range(5, 6))))
    assert len(pictures) == 1 + n_maps
    assert len(fetched) == len(set(fetched))
    fetched.clear()
    plain = opened.open_photograph(f"{s3_root}/plain", "none", name)
    assert (plain.root / name).read_bytes() == (whole.root / name).read_bytes()
    assert all(Path(one).stem.startswith(Path(name).stem) for one in fetched)
    # A photograph that is not there is looked for in the whole set, which is known then and read from there.
    gone = opened.open_photograph(f"{s3_root}/plain", "none", "gone.png")
    assert "gone.png" not in gone.paths
    fetched.clear()
    assert opened.open_photograph(f"{s3_root}/plain", "none", name).paths == gone.paths
    assert fetched == []
