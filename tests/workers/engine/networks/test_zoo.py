"""The zoo: a table without inventions, and weights fetched over loopback, verified, resumed, kept, in all the
forms that are served.
"""

from __future__ import annotations

import errno
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from tests.workers.engine.networks.weights_server import Server, server
from workers.engine.networks import zoo
from workers.engine.networks.caffe_alexnet import VARIANTS, CaffeAlexNet
from workers.engine.networks.hooks import find_layer
from workers.engine.networks.loading import load_network, load_zoo_network

TALK = [
    "context",
    "puzzle",
    "egomotion",
    "tracking",
    "moving",
    "videoorder",
    "audio",
    "crosschannel",
    "colorization",
    "objectcentric",
]


def row(server: Server, name: str, data: bytes, **changes: object) -> zoo.ZooRow:
    server.files["/" + name] = data
    made = zoo.ZooRow(
        name="made",
        trained_on="nothing",
        layers=("features.0",),
        architecture="unitscope:caffe_alexnet_plain",
        address=f"http://127.0.0.1:{server.server_address[1]}/{name}",
        input="caffe",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


__all__ = ["server"]


def silent(n_done: int, n_total: int | None) -> None:
    pass


def test_the_table_holds_the_networks_of_the_talk_and_layers_that_there_are() -> None:
    table = zoo.read_zoo()
    assert {f"alexnet-{name}" for name in TALK} <= table.keys()
    assert {one.trained_on.split(" ")[0] for one in table.values()} >= {"ImageNet", "Places205", "Places365", "Hybrid"}
    layers: dict[str, set[str]] = {}
    for one in table.values():
        assert one.form in ("torch", "caffe", "random")
        assert one.sha256_starts == "" or one.sha256_starts in one.address
        if one.form != "caffe" and "resnet152" not in one.architecture and "vgg" not in one.architecture:
            layers.setdefault(one.architecture, set()).update(one.layers)
    for architecture, paths in layers.items():
        module = load_network(architecture=architecture, weights=None).module
        for path in paths:
            find_layer(module=module, path=path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_alexnet_gives_its_maps(variant: str) -> None:
    with torch.inference_mode():
        assert CaffeAlexNet(variant).eval()(torch.zeros(1, 3, 227, 227)).shape[1:3] == (
            256,
            7 if variant == "context" else 6,
        )


@pytest.mark.parametrize("form", ["plain.pt", "wrapped.pth.tar", "safe.safetensors"])
def test_weights_in_every_form_are_fetched_once_and_loaded(server: Server, tmp_path: Path, form: str) -> None:
    from safetensors.torch import save

    state = {key: value.contiguous() for key, value in CaffeAlexNet("plain").state_dict().items()}
    extra = {**state, "classifier.0.weight": torch.zeros(2)}
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in extra.items()}}
    data = {"plain.pt": saved(extra), "wrapped.pth.tar": saved(wrapped), "safe.safetensors": save(extra)}[form]
    made = row(server, form, data, keep="features.", sha256_starts=hashlib.sha256(data).hexdigest()[:8])
    seen: list[tuple[int, int | None]] = []
    for _ in range(2):
        zoo.fetch_weights(row=made, folder=tmp_path, progress=lambda n, total: seen.append((n, total)))
    network = load_zoo_network(row=made, folder=tmp_path)
    assert torch.equal(network.module.state_dict()["features.0.weight"], state["features.0.weight"])
    assert (network.preprocessing.channels, network.preprocessing.input_px) == ("BGR", 227)
    assert len(server.asked) == 1
    assert seen[-1] == (len(data), len(data))


def test_a_download_that_breaks_off_goes_on_where_it_ended(server: Server, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    made = row(server, "a.pt", data, sha256_starts=hashlib.sha256(data).hexdigest()[:8])
    server.cut = 100_000
    with pytest.raises(zoo.ZooError, match=r"100000|again"):
        zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)
    fetched = zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)
    assert fetched.path.read_bytes() == data
    assert fetched.is_verified
    assert server.asked == [None, "bytes=100000-"]


def test_a_wrong_digest_is_refused_and_the_file_removed(server: Server, tmp_path: Path) -> None:
    made = row(server, "a.pt", b"other bytes", sha256_starts="01234567")
    with pytest.raises(zoo.ZooError, match="publisher states 01234567"):
        zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)
    assert list(tmp_path.iterdir()) == []


def test_without_a_stated_digest_the_first_download_is_recorded_and_shown_as_unverified(
    server: Server, tmp_path: Path
) -> None:
    made = row(server, "a.pt", b"first")
    fetched = zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)
    assert not fetched.is_verified
    fetched.path.unlink()
    server.files["/a.pt"] = b"second"
    with pytest.raises(zoo.ZooError, match="first download had"):
        zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)


def test_caffe_weights_and_other_addresses_are_refused_in_words(server: Server, tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError, match="only in Caffe's form"):
        zoo.fetch_weights(row=zoo.read_zoo()["alexnet-places205"], folder=tmp_path, progress=silent)
    with pytest.raises(zoo.ZooError, match="neither http nor https"):
        zoo.fetch_weights(row=row(server, "a", b"", address="file:///etc/hostname"), folder=tmp_path, progress=silent)
    with pytest.raises(zoo.ZooError, match="404"):
        zoo.fetch_weights(
            row=replace(row(server, "a", b""), address=f"http://127.0.0.1:{server.server_address[1]}/b"),
            folder=tmp_path,
            progress=silent,
        )


def test_a_full_disk_is_told_and_what_has_come_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 1000
    made = row(server, "a.pt", data, sha256_starts=hashlib.sha256(data).hexdigest()[:8])

    def fill(answer: BinaryIO, file: BinaryIO, *_: object) -> int:
        file.write(answer.read(50_000))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(zoo, "_copy", fill)
        with pytest.raises(zoo.ZooError, match=r"No space is left.*kept"):
            zoo.fetch_weights(row=made, folder=tmp_path, progress=silent)
    assert zoo.fetch_weights(row=made, folder=tmp_path, progress=silent).path.read_bytes() == data
    assert server.asked == [None, "bytes=50000-"]
