"""docs/checkpoints.md: kinds of checkpoints, each made, saved and loaded, and what is said of it.

`python -m tools.checkpoint_table` writes the page; a test compares it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.loading import load_network

PAGE = Path(__file__).parent.parent / "docs" / "checkpoints.md"
NETWORK = "tools.checkpoint_table:make_network"
HEADING = """# Checkpoints
`--weights` takes what training programs write. A checkpoint is data and is never executed: objects of other programs
that are known to be harmless (arguments, paths, optimizers, numbers of numpy) are passed over, and any other object
refuses the file. Numbers of another kind than the network's (whole, complex or 8-bit ones for weights) are never cast.
`python -m tools.checkpoint_table` makes each kind of file below, loads it into a small network of `layer1` and a
classifier `fc` of 10 classes, and writes this page; a test compares it. Files of other kinds are called what they are:
pointers of Git LFS, web pages, ONNX, Keras, GGUF, torch.export, arrays of numpy, what is cut off, packed or empty.

| file | asked for | loaded | what is said |
| --- | --- | --- | --- |
"""


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.layer1(x)
        return self.fc(features.mean((2, 3)))  # type: ignore[no-any-return]


def make_network() -> nn.Module:
    return Network()


class Strange:
    """An object of a program that nobody knows."""


def tensors(prefix: str = "", *, seed: int = 0, without: str = "-") -> dict[str, torch.Tensor]:
    """The network's tensors, drawn by the seed."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {key: torch.randn(one.shape, generator=generator) for key, one in Network().state_dict().items()}
    return {prefix + key: value for key, value in drawn.items() if not key.startswith(without)}


Kind = tuple[str, str, Callable[[Path], Path]]


def saved(content: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        torch.save(content, folder / "file.pth")
        return folder / "file.pth"

    return save


def _save_shards(folder: Path, *, n: int) -> Path:
    parts = [tensors(without="fc"), tensors(without="layer1")]
    names = [f"model-{i:05}-of-00002.safetensors" for i in (1, 2)]
    for name, part in list(zip(names, parts, strict=True))[:n]:
        save_file(part, folder / name)
    weight_map = {key: name for name, part in zip(names, parts, strict=True) for key in part}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    return index if n == 2 else folder / names[0]


def _save_bins(folder: Path) -> Path:
    for i, without in enumerate(("fc", "layer1"), start=1):
        torch.save(tensors(without=without), folder / f"pytorch_model-{i:05}-of-00002.bin")
    return folder / "pytorch_model-00001-of-00002.bin"


def _save_program(folder: Path) -> Path:
    path = folder / "file.pt"
    torch.jit.trace(Network().eval(), torch.zeros(1, 3, 8, 8), check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
    return path


def _save_pointer(folder: Path) -> Path:
    (folder / "file.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return folder / "file.pth"


def list_kinds() -> Iterator[Kind]:
    """What the file is, the layer that is asked for, and what saves it into a folder."""
    reference = {
        "model": tensors(), "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}}, "epoch": 89,
        "lr_scheduler": {"last_epoch": 89}, "args": argparse.Namespace(lr=0.1, output_dir=PosixPath("/x")),
        "model_ema": {**tensors("module.", seed=1), "n_averaged": torch.tensor(3)},
    }  # fmt: skip
    moco = {**tensors("encoder_q.", without="fc"), **tensors("encoder_k.", without="fc", seed=1),
            "queue": torch.zeros(4, 8), "queue_ptr": torch.zeros(1)}  # fmt: skip
    lightning = {"state_dict": {**tensors("net."), "criterion.weight": torch.ones(10)}, "hyper_parameters": {"lr": 1}}
    yield "a state_dict", "layer1", saved(tensors())
    for place in ("teacher", "params", "model_ema", "net", "state_dict"):
        yield f"`{place}` at the top", "layer1", saved({place: tensors(), "epoch": 3})
    yield "nested: `run` / `best` / `weights`", "layer1", saved({"run": {"best": {"weights": tensors()}}})
    yield "`teacher` and `student`", "layer1", saved({"student": tensors(seed=1), "teacher": tensors()})
    for prefix in ("module.", "backbone.", "model.", "encoder_q.", "_orig_mod.", "module.backbone."):
        yield f"prefix `{prefix}`", "layer1", saved(tensors(prefix))
    wrapped = {key.replace(".", "._fsdp_wrapped_module."): one for key, one in tensors().items()}
    yield "`_fsdp_wrapped_module.` within names", "layer1", saved(wrapped)
    yield "MoCo: `encoder_q.`, `encoder_k.`, queue, no classifier", "layer1", saved(moco)
    yield "Lightning: prefix `net.`, loss beside it", "layer1", saved(lightning)
    yield "torchvision's reference training: `model`, `optimizer`, `args`, `model_ema`", "layer1", saved(reference)
    mae = {**tensors(without="fc"), "mask_token": torch.zeros(1, 1, 4), "decoder_blocks.0.attn.weight": torch.ones(4)}
    yield "MAE: a decoder beside, no classifier", "layer1", saved({"model": mae})
    dino = {**tensors("student.backbone.", without="fc", seed=1), **tensors("teacher.backbone.", without="fc")}
    yield "`student.` and `teacher.` in one list", "layer1", saved({"model": dino})
    yield "a mean of weights beside: `ema.` and `net.`", "layer1", saved({**tensors("ema.", seed=1), **tensors("net.")})
    parts = nn.Sequential(*list(Network().children())[:-1]).state_dict()
    numbered = {f"backbone.{key}": tensors()[f"layer1.{key[2:]}"] for key in parts}
    yield "parts by number: `Sequential(*network.children())`", "layer1", saved(numbered)
    yield "no classifier", "layer1", saved(tensors(without="fc"))
    yield "no classifier", "fc", saved(tensors(without="fc"))
    yield "classifier of 7 classes", "layer1", saved({**tensors(), "fc.weight": torch.zeros(7, 4)})
    yield (
        "`argparse.Namespace`, numpy scalars",
        "layer1",
        saved({"model": tensors(), "args": argparse.Namespace(lr=0.1), "best": np.float64(0.7), "at": np.int64(3)}),
    )
    yield "arrays of numpy in place of tensors", "layer1", saved({key: one.numpy() for key, one in tensors().items()})
    yield "half precision", "layer1", saved({key: one.half() for key, one in tensors().items()})
    yield "8-bit whole numbers", "layer1", saved({key: (100 * one).to(torch.int8) for key, one in tensors().items()})
    yield "a whole network of torch's modules", "layer1", saved(nn.ModuleDict(dict(Network().named_children())))
    yield "index of two safetensors", "layer1", lambda folder: _save_shards(folder, n=2)
    yield "one of two `.bin` files, as older releases of transformers write", "layer1", _save_bins
    yield "one of two safetensors, the other missing", "layer1", lambda folder: _save_shards(folder, n=1)
    yield "an object that no list names", "layer1", saved({"model": tensors(), "extra": Strange()})
    yield "a TorchScript program", "layer1", _save_program
    yield "a pointer of Git LFS", "layer1", _save_pointer
    yield "a network of other layers", "layer1", saved({"model": nn.Conv2d(3, 5, 3).state_dict()})
    yield "adapters beside the tensors", "layer1", saved({**tensors(), "layer1.lora_A": torch.zeros(2, 3)})
    yield "one tensor too many", "layer1", saved({**tensors(), "gate.weight": torch.zeros(3)})
    yield (
        "another network's heads beside",
        "layer1",
        saved({**tensors(without="fc"), "head_age.weight": torch.zeros(3)}),
    )
    yield "no tensors", "layer1", saved({"epoch": 3})


def try_kind(kind: Kind) -> tuple[bool, str]:
    """Whether the file is loaded, and what is said."""
    _, layer, save = kind
    with tempfile.TemporaryDirectory() as folder:
        try:
            network = load_network(architecture=NETWORK, weights=save(Path(folder)), layers=[layer])
        except NetworkError as refused:
            return False, str(refused)
    return True, network.note


def make_page() -> str:
    rows = []
    for kind in list_kinds():
        is_loaded, said = try_kind(kind)
        words = said.replace("\n", "<br>").replace("|", "/")
        rows.append(f"| {kind[0]} | `{kind[1]}` | {'yes' if is_loaded else 'no'} | {words} |")
    return HEADING + "\n".join(rows) + "\n"


if __name__ == "__main__":
    # Classes here have the same name as where the test imports them.
    from tools import checkpoint_table

    PAGE.write_text(checkpoint_table.make_page())
