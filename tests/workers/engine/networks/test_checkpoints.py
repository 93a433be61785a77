"""Checkpoints of training programs: loaded if their tensors fit, whatever wraps them; else told what would fit."""

from __future__ import annotations

import argparse
import io
import json
import pickle
import zipfile
from collections import UserList, deque
from collections.abc import Sequence
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safely
from safetensors.torch import save_file, save_model
from torch import nn
from torchvision.transforms import InterpolationMode

from tools import checkpoint_table
from tools.checkpoint_table import Strange, tensors
from workers.engine.networks.checkpoints import (
    CheckpointUnreadable,
    NetworkError,
    first_line,
    list_files,
    read_checkpoint,
)
from workers.engine.networks.filling import CheckpointMismatch, fill
from workers.engine.networks.loading import LoadedNetwork, load_network

OWN = checkpoint_table.NETWORK


def load(tmp_path: Path, content: Any, *layers: str, architecture: str = OWN) -> LoadedNetwork:
    torch.save(content, tmp_path / "a.pth")
    return load_network(architecture=architecture, weights=tmp_path / "a.pth", layers=layers)


def is_filled(network: LoadedNetwork, *, seed: int = 0, key: str = "layer1.weight") -> bool:
    return torch.equal(network.module.state_dict()[key], tensors(seed=seed)[key])


@pytest.mark.parametrize(
    "content",
    [
        {"teacher": tensors()}, {"params": tensors()}, {"model_ema": tensors(), "epoch": 3}, {"net": tensors()},
        {"state": {"ema": {"inner": tensors()}}}, tensors("backbone."), tensors("model."), tensors("encoder_q."),
        tensors("_orig_mod."), tensors("module._orig_mod.model."), {"teacher": tensors("module.backbone.")},
        {"model": tensors(), "args": argparse.Namespace(lr=0.1, out=PosixPath("/x")), "best": np.float64(0.5)},
        {"state_dict": tensors(), "history": np.zeros(3), "optimizer": {"state": {0: {"m": torch.zeros(2)}}}},
        {**tensors("backbone."), "projector.0.weight": torch.zeros(2, 2), "n_averaged": torch.tensor(3)},
        {**tensors("encoder_q."), **tensors("encoder_k.", seed=5)},
        {**tensors("encoder_k.", seed=5), **tensors("encoder_q.")},
        {**tensors("online_network."), **tensors("target_network.", seed=5)},
        {**tensors("target_network.", seed=5), **tensors("trained_after_it.")},
        {**tensors("ema.", seed=5), **tensors("network.")},
        {**tensors("backbone_momentum.", seed=5), **tensors("net_with_a_long_name.")},
        {**tensors("student_backbone.", seed=5), **tensors("teacher_backbone.")},
        {"a": {"target_network_state": tensors(seed=5), "online_network_state": tensors()}},
        {f"backbone.{key.replace('layer1', '0').replace('fc', '1')}": one for key, one in tensors().items()},
        {"teacher": {**tensors("backbone."), "backbone.masked_embed": torch.zeros(1, 4)}},
        {"model": tensors(), "meters": [deque([0.5], maxlen=20), UserList([1])], "resize": InterpolationMode.BICUBIC},
    ],
)  # fmt: skip
def test_tensors_are_found_whatever_wraps_them(tmp_path: Path, content: Any) -> None:
    assert is_filled(load(tmp_path, content))


def test_what_was_taken_is_told(tmp_path: Path) -> None:
    network = load(tmp_path, {"teacher": tensors("backbone."), "student": tensors("backbone.", seed=2)})
    assert is_filled(network)
    assert network.note == (
        "a.pth: the tensors under 'teacher' with the prefix 'backbone.' were taken. "
        "Those under 'student' with the prefix 'backbone.' would fit, too."
    )
    assert load(tmp_path, tensors()).note == ""
    assert load(tmp_path, tensors("module.")).note == "a.pth: the tensors with the prefix 'module.' were taken."
    twice = load(tmp_path, {**tensors("left."), **tensors("side.", seed=5)})
    assert is_filled(twice)
    assert twice.note == (
        "a.pth: the tensors with the prefix 'left.' were taken. Those with the prefix 'side.' would fit, too."
    )


def test_what_wrappers_leave_within_names_is_passed_over(tmp_path: Path) -> None:
    for wrapper in ("_checkpoint_wrapped_module", "_fsdp_wrapped_module"):
        wrapped = {key.replace(".", f".{wrapper}."): one for key, one in tensors("net.").items()}
        network = load(tmp_path, wrapped)
        assert is_filled(network)
        assert (
            network.note == f"a.pth: the tensors with the prefix 'net.' without '{wrapper}' in their names were taken."
        )


class Positioned(nn.Module):
    """Computes its positions, as libraries do that once kept them in files."""

    positions: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(2, 2)
        self.register_buffer("positions", torch.arange(4), persistent=False)
        self.register_buffer("again", self.positions, persistent=False)


def test_what_the_network_computes_itself_may_be_in_the_file(tmp_path: Path) -> None:
    from workers.engine.networks.filling import fill

    module, own = Positioned(), {"layer1.weight": torch.ones(2, 2), "layer1.bias": torch.ones(2)}
    assert (
        fill(module=module, groups={"": {**own, "positions": torch.arange(4), "again": torch.arange(4)}}, name="a.pth")
        == ""
    )
    assert module.layer1.weight.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(CheckpointMismatch, match="1 unexpected: positions"):
        fill(module=module, groups={"": {**own, "positions": torch.arange(9)}}, name="a.pth")


def test_tensors_beside_those_of_the_network_are_named_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(CheckpointMismatch, match=r"1 unexpected: gate\.weight\.\nAll tensors of the network are there"):
        load(tmp_path, {**tensors(), "gate.weight": torch.zeros(3)})


def test_a_classifier_that_no_layer_needs_may_be_missing_or_of_another_size(tmp_path: Path) -> None:
    network = load(tmp_path, tensors(without="fc"), "layer1")
    assert is_filled(network)
    assert "no layer needs it, and a seed draws fc.bias, fc.weight" in network.note
    assert is_filled(load(tmp_path, {**tensors(without="fc"), "fc.weight": torch.zeros(7, 4)}, "layer1"))
    for layers in ((), ("fc",), ("layer1", "fc")):
        with pytest.raises(CheckpointMismatch, match=r"2 missing: fc\.bias, fc\.weight"):
            load(tmp_path, tensors(without="fc"), *layers)
    with pytest.raises(CheckpointMismatch, match=r"missing: layer1\.bias"):
        load(tmp_path, tensors(without="layer1"), "layer1")


@pytest.mark.parametrize(
    "kind", [torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn]
)
def test_numbers_that_a_cast_would_change_in_meaning_are_refused(tmp_path: Path, kind: torch.dtype) -> None:
    odd = {**tensors(), "layer1.weight": (tensors()["layer1.weight"] * 100).to(kind)}
    spelled = str(kind).removeprefix("torch.")
    with pytest.raises(CheckpointMismatch, match=rf"of another kind: layer1\.weight \({spelled} instead of float32\)"):
        load(tmp_path, odd, "layer1")
    # A classifier that no layer needs is not used.
    network = load(tmp_path, {**tensors(), "fc.weight": torch.zeros(10, 4).to(kind)}, "layer1")
    assert is_filled(network)
    assert "no layer needs it, and a seed draws fc.weight" in network.note


def test_whole_numbers_fill_whole_numbers_and_floats_of_other_sizes_fill_floats(tmp_path: Path) -> None:
    wanted = {
        key: one.to(torch.int32 if key == "steps" else torch.float64)
        for key, one in make_counting().state_dict().items()
    }
    wanted["steps"] += 7
    architecture = f"{__name__}:make_counting"
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        for state in (wanted, {key: one.to(kind) for key, one in wanted.items()}):
            filled = load(tmp_path, state, architecture=architecture).module.state_dict()
            assert int(filled["steps"]) == 7
            assert filled["conv.weight"].dtype == torch.float32
    with pytest.raises(CheckpointMismatch, match=r"steps \(float32 instead of int64\)"):
        load(tmp_path, {**wanted, "steps": torch.tensor(0.5)}, architecture=architecture)


def make_counting() -> nn.Module:
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(3, 4, 3))
    network.register_buffer("steps", torch.zeros((), dtype=torch.int64))
    return network


def test_the_number_of_classes_is_that_of_the_tensors(tmp_path: Path) -> None:
    import torchvision

    state = torchvision.models.squeezenet1_1(num_classes=7).state_dict()
    network = load(tmp_path, {"model": state, "args": argparse.Namespace()}, architecture="torchvision:squeezenet1_1")
    assert network.module.state_dict()["classifier.1.weight"].shape[0] == 7
    with pytest.raises(CheckpointMismatch, match=r"7x512x1x1 instead of 1000"):
        load(tmp_path, state, architecture="torchvision:squeezenet1_1?num_classes=1000")


def test_a_classifier_that_differs_in_more_than_its_classes_tells_no_number_of_them(tmp_path: Path) -> None:
    """A size of zero, and a classifier of one dimension, once built other networks."""
    import torchvision

    state = torchvision.models.squeezenet1_1().state_dict()
    for shape in ((0, 512, 1, 1), (512,), ()):
        odd = {**state, "classifier.1.weight": torch.zeros(shape), "classifier.1.bias": torch.zeros(shape[:1])}
        spelled = "x".join(map(str, shape)) or "scalar"
        with pytest.raises(CheckpointMismatch, match=rf"classifier.1.weight \({spelled} instead of 1000x512x1x1\)"):
            load(tmp_path, odd, architecture="torchvision:squeezenet1_1")


def pack(names: Sequence[str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"?")
    return packed.getvalue()


def save_bytes(content: Any, *, n: int = 10_000_000, legacy: bool = False) -> bytes:
    saved = io.BytesIO()
    torch.save(content, saved, _use_new_zipfile_serialization=not legacy)
    return saved.getvalue()[:n]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "a pointer of Git LFS"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "git lfs pull"),
        ("a.pth", b"\n<!DOCTYPE html><html>404</html>", "a web page"),
        ("a.pth", b"\x08\x07\x12\x07pytorch\x1a\x052.0.0", "an ONNX model"),
        ("a.onnx", b"?", "an ONNX model"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("a.gguf", b"GGUF\3\0\0\0", "quantized weights"),
        ("a.pth.gz", b"\x1f\x8b\x08", "Unpack it"),
        ("a.pth", b"", "a.pth is empty"),
        ("a.safetensors", b"", "a.safetensors is empty"),
        ("a.pth", pickle.dumps({"fc.weight": [1.0]}), "a pickle that torch.save did not write"),
        ("a.npz", pack(["fc.weight.npy"]), "numpy's arrays"),
        ("a.pt2", pack(["m/archive_format", "m/models/model.json"]), "a program of torch.export"),
        ("a.keras", pack(["model.weights.h5"]), "Keras"),
        ("a.pth", pack(["notes.txt"]), "none of torch.save"),
        ("a.pth", save_bytes(tensors(), n=900), "is cut off"),
        ("a.safetensors", save_safely(tensors())[:-9], "is cut off"),
        ("a.safetensors", save_safely(tensors())[:90], "is cut off"),
        ("a.safetensors", b"\x09\0\0\0\0\0\0\0{\"a\": 7}?", "damaged safetensors"),
        ("a.safetensors", b"\0\0\0\0\2\0\0\0{\"a\": 7}?", "damaged safetensors"),
        ("a.safetensors", b" <\0\0\0\0\0\0{\"a\": 7}?", "is cut off"),
        ("a.pth", b"<script>{}</script>", "a web page"),
        ("a.pth", save_safely(tensors()), "Give it the ending .safetensors"),
        ("a.safetensors", save_bytes(tensors()), "Give it the ending .pth"),
        ("a.pth", pickle.dumps({"w": np.zeros(2)}, protocol=2), "a pickle that torch.save did not write"),
        ("a.pth", b"just text", "neither torch.save nor safetensors wrote it"),
        ("a.pth", save_bytes(tensors(), legacy=True)[:-9], "is cut off"),
        ("a.pth", None, "a.pth is a folder"),
        ("__0_0.distcp", b"PK", "many processes"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_called_what_it_is(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(CheckpointUnreadable, match=words) as refused:
        read_checkpoint(path)
    told, advice = str(refused.value).splitlines()
    assert told.startswith(f"{name} ")
    assert advice.endswith(".")
    assert str(tmp_path) not in told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors", "is a folder.\nGive the file of weights that lies in it: model.safetensors."),
        ("zero_to_fp32.py", "is a checkpoint of DeepSpeed, in parts.\nMake one file"),
        ("saved_model.pb", "is a network of TensorFlow.\nGive a .safetensors file"),
        ("_METADATA", r"is a checkpoint of JAX \(Orbax\).\nGive a .safetensors file"),
    ],
)
def test_a_folder_is_called_what_it_is(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"?")
    with pytest.raises(CheckpointUnreadable, match=f"^{tmp_path.name} {words}"):
        read_checkpoint(tmp_path)


def test_an_ending_may_be_in_capitals(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "A.SAFETENSORS")
    assert is_filled(load_network(architecture=OWN, weights=tmp_path / "A.SAFETENSORS"))


def test_one_shard_that_is_a_pointer_is_named(tmp_path: Path) -> None:
    index = {"weight_map": {"fc.bias": "m-1.safetensors", "fc.weight": "m-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file({"fc.bias": torch.zeros(2)}, tmp_path / "m-1.safetensors")
    (tmp_path / "m-2.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CheckpointUnreadable, match=r"m-2.safetensors is a pointer of Git LFS"):
        read_checkpoint(tmp_path / "model.safetensors.index.json")


def test_a_long_message_ends_with_a_word() -> None:
    assert first_line(ValueError("ends here")) == "ends here."
    assert first_line(ValueError("word " * 60)).endswith("word word …")


def test_another_architecture_is_refused_and_the_way_out_named(tmp_path: Path) -> None:
    import torchvision

    torch.save({"model": torchvision.models.squeezenet1_0().state_dict()}, tmp_path / "a.pth")
    with pytest.raises(CheckpointMismatch) as caught:
        load_network(architecture="torchvision:squeezenet1_1", weights=tmp_path / "a.pth", layers=["features.3"])
    words = str(caught.value)
    assert "missing: features.11.expand1x1.bias" in words
    assert "under 'model'" in words
    assert words.endswith(
        "\nIts tensors are those of torchvision:squeezenet1_0: give --network torchvision:squeezenet1_0."
    )
    assert "\x1b" not in words


def test_shards_lie_in_one_folder(tmp_path: Path) -> None:
    parts = [{key: value for key, value in tensors().items() if key.startswith(start)} for start in ("layer1", "fc")]
    names = [f"model-{i:05}-of-00002.safetensors" for i in (1, 2)]
    save_file(parts[0], tmp_path / names[0])
    with pytest.raises(CheckpointUnreadable, match=r"one of several files and model-00002-of-"):
        load_network(architecture=OWN, weights=tmp_path / names[0])
    save_file(parts[1], tmp_path / names[1])
    index = {"weight_map": {key: name for name, part in zip(names, parts, strict=True) for key in part}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in (*names, "model.safetensors.index.json"):
        assert is_filled(load_network(architecture=OWN, weights=tmp_path / name), key="fc.weight")


def test_shards_may_be_written_by_torch(tmp_path: Path) -> None:
    names = [f"pytorch_model-{i:05}-of-00002.bin" for i in (1, 2)]
    torch.save(tensors(without="fc"), tmp_path / names[0])
    with pytest.raises(CheckpointUnreadable, match=r"one of several files and pytorch_model-00002-of-00002.bin is not"):
        read_checkpoint(tmp_path / names[0])
    torch.save(tensors(without="layer1"), tmp_path / names[1])
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"layer1.weight": names[0], "fc.weight": names[1]}}))
    for path in (index, tmp_path / names[1]):
        assert read_checkpoint(path)[""].keys() == tensors().keys()
        assert set(list_files(path)) == {*([path] if path == index else []), *(tmp_path / name for name in names)}


def test_shards_of_different_savings_are_not_mixed(tmp_path: Path) -> None:
    parts = [{key: value for key, value in tensors().items() if key.startswith(start)} for start in ("layer1", "fc")]
    names = [f"model-{i:05}-of-00002.safetensors" for i in (1, 2)]
    for name, part in zip(names, parts, strict=True):
        save_file(part, tmp_path / name)
    weight_map = {key: names[0] for part in parts for key in part}
    (tmp_path / "old.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(CheckpointUnreadable, match=r"fc.* is not in model-00001-of-.* different savings"):
        load_network(architecture=OWN, weights=tmp_path / "old.index.json")
    save_file(tensors(), tmp_path / names[1])
    with pytest.raises(CheckpointUnreadable, match=r"layer1.* is in two of its files: .* different savings"):
        load_network(architecture=OWN, weights=tmp_path / names[0])


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"weight_map": ' + "[" * 100_000,
        '{"weight_map": ["a"]}',
        '{"weight_map": {"fc.weight": 7}}',
        '{"weight_map": {"fc.weight": "a\\u0000.safetensors"}}',
        '{"weight_map": {"fc.weight": "a\\ud800.safetensors"}}',
        '{"weight_map": {"fc.weight": "' + "a" * 300 + '.safetensors"}}',
        "7",
    ],
)
def test_what_is_no_index_is_refused_in_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(content)
    assert list_files(path) == [path]
    with pytest.raises(CheckpointUnreadable, match="is no index of shards"):
        load_network(architecture=OWN, weights=path)


def test_what_is_on_no_list_is_refused_without_terminal_codes(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="could execute code") as caught:
        load(tmp_path, {"model": tensors(), "extra": Strange()})
    assert "\x1b" not in str(caught.value)


def test_a_network_that_was_saved_whole_gives_its_tensors_and_runs_no_code(tmp_path: Path) -> None:
    import torchvision

    whole = torchvision.models.squeezenet1_1(num_classes=3)
    network = load(tmp_path, whole, architecture="torchvision:squeezenet1_1")
    assert all(torch.equal(one, network.module.state_dict()[key]) for key, one in whole.state_dict().items())


@pytest.mark.parametrize("content", [{key: one.numpy() for key, one in tensors().items()}, [tensors()]])
def test_arrays_and_lists_are_searched_too(tmp_path: Path, content: Any) -> None:
    assert is_filled(load(tmp_path, content))


def test_a_file_of_the_body_alone_fills_a_network_that_wraps_it(tmp_path: Path) -> None:
    inner = tensors(without="fc")
    network = load(tmp_path, inner, "body.layer1", architecture=f"{__name__}:make_wrapped")
    assert torch.equal(network.module.state_dict()["body.layer1.weight"], inner["layer1.weight"])
    assert "as those of 'body'" in network.note


def make_wrapped() -> nn.Module:
    return nn.ModuleDict({"body": nn.ModuleDict({"layer1": nn.Conv2d(3, 4, 3)}), "fc": nn.Linear(4, 10)})


def test_the_page_of_checkpoints_says_what_happens() -> None:
    made = checkpoint_table.make_page()
    assert checkpoint_table.PAGE.read_text() == made, "run python -m tools.checkpoint_table"


def make_tied() -> nn.Module:
    network = nn.ModuleDict({name: nn.Conv2d(4, 4, 1, bias=False) for name in ("first", "second")})
    network["second"].weight = network["first"].weight
    return network


def test_one_tensor_of_two_names_may_be_in_the_file_once(tmp_path: Path) -> None:
    held = make_tied()
    save_model(held, str(tmp_path / "a.safetensors"))
    network = load_network(architecture=f"{__name__}:make_tied", weights=tmp_path / "a.safetensors")
    for name in ("first", "second"):
        assert torch.equal(network.module.state_dict()[f"{name}.weight"], held.state_dict()["first.weight"])
    with pytest.raises(CheckpointMismatch, match=r"2 missing: first\.weight, second\.weight"):
        load(tmp_path, {"third.weight": torch.zeros(4, 4)}, architecture=f"{__name__}:make_tied")


def make_blocks() -> nn.Module:
    return nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])})


def test_blocks_may_lie_in_chunks(tmp_path: Path) -> None:
    held = make_blocks().state_dict()
    chunked = {f"backbone.blocks.{key > 'blocks.2'}.{key[7:]}".replace("True", "1").replace("False", "0"): one
               for key, one in held.items()}  # fmt: skip
    network = load(tmp_path, {"teacher": chunked}, architecture=f"{__name__}:make_blocks")
    assert all(torch.equal(own, held[key]) for key, own in network.module.state_dict().items())
    assert "without the numbers of chunks in their names" in network.note


def make_with_places() -> nn.Module:
    network = nn.ModuleDict({"blocks": nn.Linear(4, 4), "head": nn.Linear(4, 10), "norm": nn.LayerNorm(4)})
    network["patch_embed"] = nn.Conv2d(3, 4, 16)
    network.register_parameter("pos_embed", nn.Parameter(torch.zeros(1, 5, 4)))
    return network


def test_the_way_out_is_no_name_that_the_network_has(tmp_path: Path) -> None:
    """Positions of images of another size, and heads of another name, belong to the network that was given."""
    held = make_with_places().state_dict()
    for changes, words in (
        ({"pos_embed": torch.zeros(1, 11, 4), "head.weight": torch.zeros(7, 4)}, "another size: .*img_size=384 "),
        ({"pos_embed": torch.zeros(1, 10, 10, 4)}, "another size: .*img_size=384 "),
        ({"pos_embed": torch.zeros(1, 10, 4), "mask_token": torch.zeros(4)}, "another size: .*timm:NAME.img_size=48 "),
        ({"norm.weight": None, "norm.bias": None, "fc_norm.weight": torch.zeros(4)}, "timm:NAME.global_pool=avg"),
        ({key: torch.zeros(0) for key in held}, "Its tensors are empty: .* zero_to_fp32.py"),
        ({"head_age.weight": torch.zeros(3), "head.bias": torch.zeros(7)}, "All tensors of the network but those of"),
    ):
        content = {key: one for key, one in {**held, **changes}.items() if one is not None}
        with pytest.raises(CheckpointMismatch, match=words):
            load(tmp_path, content, "blocks", architecture=f"{__name__}:make_with_places")


def test_a_library_may_call_its_tensors_otherwise_in_files() -> None:
    """transformers renames what it reads: its files of a ViT hold `encoder.layer.0...` for `layers.0...`."""
    names = {"encoder.conv.weight": "layer1.weight", "encoder.conv.bias": "layer1.bias"}
    for prefix in ("", "vit."):
        module, held = checkpoint_table.make_network(), tensors()
        file = {f"{prefix}{name}": held[key] for name, key in names.items()}
        fill(module=module, groups={"": file}, name="a.pth", layers=["layer1"], saved_names=names)
        assert torch.equal(module.state_dict()["layer1.weight"], held["layer1.weight"])
