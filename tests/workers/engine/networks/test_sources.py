"""Networks of libraries and of a person's own code: found by name, freed of wrappers, refused with a way out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from workers.engine.networks.code import look_in
from workers.engine.networks.hooks import LayerSilent
from workers.engine.networks.loading import load_network
from workers.engine.networks.preprocessing import Preprocessing, PreprocessingInvalid
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.sources.built import ArchitectureNotFound, Built, import_library
from workers.engine.networks.sources.plain import make_plain
from workers.engine.networks.sources.table import build_architecture


class Network(nn.Module):
    def __init__(self, n_channels: int = 3) -> None:
        super().__init__()
        self.stem, self.body = nn.Conv2d(n_channels, 4, 3), nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self.stem(x))  # type: ignore[no-any-return]


def plain(module: nn.Module) -> Built:
    return make_plain(Built(module, Preprocessing(input_px=32)))


class OptimizedModule(nn.Module):
    """As torch.compile wraps a network. Compiling itself takes seconds to import; tools/drills/libraries.py does it."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self._orig_mod = inside


def compiled_inside() -> nn.Module:
    network = Network()
    network.body = OptimizedModule(network.body)  # type: ignore[assignment]
    return network


def compiled_in_place() -> nn.Module:
    network = Network()
    network._compiled_call_impl = lambda x: x  # type: ignore[assignment]
    return network


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.DataParallel(Network()), "DataParallel was taken off"),
        (lambda: OptimizedModule(Network()), "OptimizedModule was taken off"),
        (lambda: OptimizedModule(nn.DataParallel(Network())), "DataParallel, OptimizedModule was taken off"),
        (compiled_inside, "OptimizedModule was taken off"),
        (compiled_in_place, "compile() was taken off"),
        (lambda: Network().half(), "float16 values are computed with in single precision"),
        (lambda: Network().bfloat16(), "bfloat16 values are computed with in single precision"),
        (lambda: Network().double(), "float64 values are computed with in single precision"),
        (lambda: Network(n_channels=1), "images are turned to gray"),
    ],
)
def test_a_wrapped_network_is_read_like_the_one_inside(make, said) -> None:  # type: ignore[no-untyped-def]
    built = plain(make())
    assert said in built.note
    assert list(built.module.state_dict()) == list(Network().state_dict())
    assert {one.dtype for one in built.module.parameters()} == {torch.float32}
    shapes = probe_layers(module=built.module, paths=["stem", "body.1"], input_px=32)
    assert [(one.n_units, one.height) for one in shapes.values()] == [(4, 30), (4, 28)]


def test_gray_is_the_brightness_of_the_colors() -> None:
    network = Network(n_channels=1)
    images = torch.rand(2, 3, 32, 32)
    gray = (images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    expected = network(gray)
    assert torch.allclose(plain(network).module(images), expected, atol=1e-6)


def test_what_takes_no_photographs_is_refused_with_the_way_out() -> None:
    with pytest.raises(ArchitectureNotFound, match=r"takes 4 channels, and photographs have 3: wrap it in a module"):
        plain(Network(n_channels=4))
    with pytest.raises(ArchitectureNotFound, match="on the device meta, where tensors have a shape but no numbers"):
        plain(Network().to("meta"))
    # The first convolution that stands in the code need not be the one that takes the image.
    later = nn.ModuleDict({"body": nn.Conv2d(4, 4, 3), "stem": nn.Conv2d(3, 4, 3)})
    later.forward = lambda x: later["body"](later["stem"](x))  # type: ignore[method-assign]
    assert plain(later).note == ""


def test_a_program_whose_layers_cannot_be_read_is_refused() -> None:
    program = torch.jit.trace(Network().eval(), torch.zeros(1, 3, 32, 32), check_trace=False)  # type: ignore[no-untyped-call]
    with pytest.raises(ArchitectureNotFound, match="TorchScript program"):
        plain(program)


def test_a_detector_runs_its_backbone_and_takes_its_own_checkpoints(tmp_path: Path) -> None:
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    detector = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    torch.save({"model": detector.state_dict()}, tmp_path / "a.pth")
    name = "torchvision:ssdlite320_mobilenet_v3_large"
    network = load_network(architecture=name, weights=tmp_path / "a.pth", preprocessing={"input_px": 64})
    assert network.preprocessing == Preprocessing(input_px=64)
    maps = network.module(torch.zeros(1, 3, 64, 64))
    assert torch.equal(maps["0"], detector.eval().backbone(torch.zeros(1, 3, 64, 64))["0"])
    layer = "backbone.features.0.0"
    assert probe_layers(module=network.module, paths=[layer], input_px=64)[layer].n_units == 16
    assert probe_layers(module=network.module, paths=["backbone:1"], input_px=64)["backbone:1"].n_units == 480
    with pytest.raises(LayerSilent):
        probe_layers(module=network.module, paths=["head.regression_head"], input_px=64)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torchvision:resnet18?num_classes=x", "'x' is no number from 1 to"),
        ("torchvision:resnet18?depth=3", "'depth' cannot be stated of resnet18, but num_classes"),
        ("torchvision:raft_large", "torchvision has no network 'raft_large'; it has alexnet.*deeplabv3_resnet50.*ssd"),
    ],
)
def test_what_is_no_name_is_refused_with_those_there_are(name: str, words: str) -> None:
    with pytest.raises(ArchitectureNotFound, match=words):
        build_architecture(name)


def test_a_library_that_is_missing_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(ArchitectureNotFound, match=r"no_such_library is not installed .* pip install its-package"):
        import_library("no_such_library", package="its-package")


def test_a_preprocessing_is_stated_in_part() -> None:
    own = Preprocessing(input_px=64, mean=(127.0,) * 3, std=(128.0,) * 3, scale=1.0)
    assert own.stated({"input_px": 32}) == Preprocessing(input_px=32, mean=own.mean, std=own.std, scale=1.0)
    assert own.stated({"mean": [0.5], "std": 0.25}) == Preprocessing(mean=(0.5,) * 3, std=(0.25,) * 3)


def test_a_module_whose_file_is_gone_is_not_run_from_memory(tmp_path: Path) -> None:
    file = tmp_path / "net_that_goes.py"
    file.write_text("from torch import nn\ndef make(): return nn.Conv2d(3, 2, 1)\n")
    look_in(str(tmp_path))
    try:
        assert isinstance(build_architecture("net_that_goes:make").module, nn.Conv2d)
        file.unlink()
        with pytest.raises(ArchitectureNotFound, match="looked for in the folder where the command was given"):
            build_architecture("net_that_goes:make")
    finally:
        look_in("")
    assert str(tmp_path) not in sys.path


def fake_transformers(image_size: int = 32) -> ModuleType:
    """As much of the library as building needs: it is not installed with Unitscope."""
    made = ModuleType("transformers")
    config = SimpleNamespace(image_size=image_size, to_diff_dict=dict)
    read = SimpleNamespace(for_model=lambda name: config, from_pretrained=lambda name, **options: config)
    maker = SimpleNamespace(from_config=lambda config, **options: Network())
    made.__dict__.update(__version__="5.0", CONFIG_MAPPING={"vit": None}, AutoConfig=read, AutoModel=maker)
    return made


def offer_hub(monkeypatch: pytest.MonkeyPatch, folder: Path, *, answers: bool = True) -> None:
    """Of the hub's library the one function and the two errors that are used; the folder is the network's."""
    hub, errors = ModuleType("huggingface_hub"), ModuleType("huggingface_hub.errors")
    missing = type("EntryNotFoundError", (Exception,), {})
    silent = type("LocalEntryNotFoundError", (FileNotFoundError, missing), {})

    def download(repository: str, file: str) -> str:
        assert repository == "someone/some-network"
        if not answers:
            raise silent
        if not (folder / file).is_file():
            raise missing
        return str(folder / file)

    errors.__dict__.update(EntryNotFoundError=missing, LocalEntryNotFoundError=silent)
    hub.__dict__.update(hf_hub_download=download)
    for module in (fake_transformers(), hub, errors):
        monkeypatch.setitem(sys.modules, module.__name__, module)


USUAL = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}


@pytest.mark.parametrize(
    ("stated", "expected", "is_assumed"),
    [
        (USUAL, {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}, False),
        ({**USUAL, "rescale_factor": 1 / 255}, {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}, False),
        ({**USUAL, "do_normalize": False}, {"mean": (0.0,) * 3, "std": (1.0,) * 3}, False),
        ({**USUAL, "do_rescale": False}, {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "scale": 1.0}, False),
        ({"do_normalize": False, "rescale_factor": 0.0078125},
         {"mean": (0.0,) * 3, "std": (1.0,) * 3, "scale": 128.0}, False),
        ({**USUAL, "do_flip_channel_order": True},
         {"mean": (0.3, 0.2, 0.1), "std": (0.6, 0.5, 0.4), "channels": "BGR"}, False),
        ({"do_flip_channel_order": True}, {"mean": (0.0,) * 3, "std": (1.0,) * 3, "channels": "BGR"}, False),
        ({"image_processor": USUAL}, {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}, False),
        ({"image_mean": None, "image_std": None}, {"mean": (0.5,) * 3, "std": (0.5,) * 3}, True),
        ({"resample": 3}, {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}, True),
        (None, {"mean": (0.5,) * 3, "std": (0.5,) * 3}, True),
    ],
)  # fmt: skip
def test_a_folder_of_transformers_says_how_its_images_are_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: object, expected: dict[str, Any], is_assumed: bool
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", fake_transformers())
    if stated is not None:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(stated))
    built = build_architecture(f"transformers:{tmp_path}")
    assert built.preprocessing == Preprocessing(input_px=32, **expected)
    assert (".5 was taken for both: state --preprocessing" in built.assumed) is is_assumed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[1]", "states no values by name"),
        ('{"image_mean": [0.5, 0.5], "image_std": [1]}', "image_mean of the processor is no list of three"),
        ('{"image_mean": ["a"], "image_std": [1]}', "image_mean of the processor"),
        ('{"image_mean": [0.5], "image_std": [0]}', "above zero"),
        ('{"image_mean": [NaN], "image_std": [1]}', "finite"),
        ('{"rescale_factor": 0}', "rescale_factor is a number above zero"),
    ],
)  # fmt: skip
def test_a_processor_that_says_what_cannot_be_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, words: str
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", fake_transformers())
    (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(ArchitectureNotFound, match=words):
        build_architecture(f"transformers:{tmp_path}")


@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_a_name_of_the_hub_brings_its_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    (tmp_path / file).write_text(json.dumps(USUAL))
    offer_hub(monkeypatch, tmp_path)
    built = build_architecture("transformers:someone/some-network")
    assert built.preprocessing == Preprocessing(input_px=32, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert not built.assumed


@pytest.mark.parametrize(
    ("answers", "words"), [(True, "Nothing beside the network states"), (False, "The hub did not say")]
)
def test_a_name_of_the_hub_without_a_processor_says_what_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool, words: str
) -> None:
    offer_hub(monkeypatch, tmp_path, answers=answers)
    built = build_architecture("transformers:someone/some-network")
    assert built.preprocessing == Preprocessing(input_px=32, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert built.assumed.startswith(words)


def test_an_assumed_preprocessing_is_said_unless_it_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", fake_transformers())
    monkeypatch.setattr("workers.engine.networks.loading.hash_version", lambda source: "")
    for stated, is_said in (({}, True), ({"input_px": 64}, True), ({"mean": [0.5], "std": [0.5]}, False)):
        network = load_network(architecture="transformers:vit", weights=None, preprocessing=stated)
        assert ("state --preprocessing" in network.note) is is_said


@pytest.mark.parametrize("px", [224.5, 224.0, True, 7])
def test_an_input_is_a_whole_number_of_pixels(px: Any) -> None:
    with pytest.raises(PreprocessingInvalid, match="whole number"):
        Preprocessing().stated({"input_px": px})
