"""A network is cut after a layer and given a new head: the paper's shapes and parameters, its own tensors and paths."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.workers.engine import making
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.head import Form
from workers.engine.fit import perform_surgery
from workers.engine.networks.hooks import LayerNotFound
from workers.engine.networks.loading import LoadedNetwork, has_own_code, load_network
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.sources.built import ArchitectureNotFound
from workers.engine.networks.surgery import CannotCut, count_parameters, cut, operate
from workers.engine.networks.surgery_recipe import HeadKind, Recipe, RecipeInvalid

TINY = "tests.workers.engine.making:tiny_module"
# [ZKLOT16] 3.1 with torchvision's networks: layer, maps at the cut, parameters before and after.
PAPER = {
    "alexnet": ("features.11", (256, 13, 13), 61_100_840, 5_854_016),
    "vgg16": ("features.29", (512, 14, 14), 138_357_544, 20_458_304),
    "googlenet": ("inception4e", (832, 14, 14), 6_624_904, 11_966_656),
}


@pytest.mark.parametrize("name", PAPER)
def test_shapes_and_parameters_are_those_of_the_paper(name: str) -> None:
    layer, maps, before, after = PAPER[name]
    with torch.device("meta"):
        # No values are needed to count, and none are drawn.
        module = load_meta(name)
        body = cut(module, layer=layer, input_px=224)
        whole = operate(module, Recipe(f"torchvision:{name}", layer), input_px=224)
    assert body.shape == maps
    assert (count_parameters(module, input_px=224), count_parameters(whole, input_px=224)) == (before, after)
    assert sum(one.numel() for one in whole.parameters()) == after


def load_meta(name: str) -> nn.Module:
    import torchvision

    extra = {"init_weights": False} if name == "googlenet" else {}
    module: nn.Module = torchvision.models.get_model(name, weights=None, **extra)
    return module.eval()


def make_recipe(head: HeadKind = HeadKind.GAP, **stated: int) -> Recipe:
    px = making.INPUT_PX if head is HeadKind.FC else 0
    return Recipe(TINY, "3", head, units=8, classes=4, px=px, **stated)


@pytest.mark.parametrize("head", HeadKind)
@pytest.mark.parametrize("convolutions", [0, 2])
def test_scores_are_those_of_the_layers_one_after_the_other(head: HeadKind, convolutions: int) -> None:
    network = load_network(architecture=make_recipe(head, convolutions=convolutions).name, weights=None)
    images = torch.randn(2, 3, making.INPUT_PX, making.INPUT_PX)
    tiny, state = making.tiny_module(), network.module.state_dict()
    tiny.load_state_dict({key: one for key, one in state.items() if not key.startswith("surgery")})
    with torch.no_grad():
        maps = tiny[:4](images)
        for place in range(1, convolutions + 1):
            weight, bias = state[f"surgery.convolution{place}.weight"], state[f"surgery.convolution{place}.bias"]
            maps = nn.functional.conv2d(maps, weight, bias, padding=1).relu()
        pooled = {HeadKind.GAP: maps.mean((2, 3)), HeadKind.GMP: maps.amax((2, 3)), HeadKind.FC: maps.flatten(1)}
        expected = pooled[head] @ state["surgery.classifier.weight"].T
        assert torch.allclose(network.module(images), expected, atol=1e-5)


def test_a_cut_network_keeps_its_tensors_is_loaded_by_its_name_and_has_a_head(tmp_path: Path) -> None:
    network = load_network(architecture=TINY, weights=None, seed=3)
    for head, form in ((HeadKind.GAP, Form.MEAN), (HeadKind.GMP, Form.MAXIMUM)):
        told, weights = perform_surgery(network, make_recipe(head))
        file = tmp_path / f"{head}.safetensors"
        file.write_bytes(weights)
        loaded = load_network(architecture=told["architecture"], weights=file)
        assert torch.equal(loaded.module.state_dict()["3.weight"], network.module.state_dict()["3.weight"])
        assert loaded.preprocessing == network.preprocessing
        assert (loaded.weights_from, bool(loaded.source_sha256)) == ("file", True)
        found = find_head(loaded)
        assert (found.layer, found.form, found.n_classes) == ("surgery.relu1", form, 4)
    assert told["maps"] == [5, 7, 7]
    assert told["parameters"] == told["parameters_head"] + sum(one.numel() for one in making.tiny_module().parameters())
    # Layers before the cut are dissected as before.
    shapes = [probe_layers(module=one.module, paths=["3"], input_px=32)["3"] for one in (network, loaded)]
    assert shapes[0] == shapes[1]


def test_an_architecture_says_its_recipe() -> None:
    for recipe in (
        make_recipe(),
        Recipe("torchvision:alexnet?num_classes=365", "features.11", HeadKind.FC, px=227),
        Recipe("own.networks:make", "block/conv@1?", convolutions=0),
    ):
        assert Recipe.parse(recipe.name) == recipe
    assert has_own_code(make_recipe().name)
    assert not has_own_code(Recipe("torchvision:alexnet", "features.11").name)
    for wrong in (
        "surgery:torchvision:alexnet",
        "surgery:a@b?head=none",
        "surgery:a@b?units=many",
        "surgery:a@b?odd=1",
    ):
        with pytest.raises(RecipeInvalid):
            Recipe.parse(wrong)
        with pytest.raises(ArchitectureNotFound):
            load_network(architecture=wrong, weights=None)
    for stated in ({"convolutions": 3}, {"units": 0}, {"classes": 1}):
        with pytest.raises(RecipeInvalid):
            Recipe("torchvision:alexnet", "features.11", **stated)
    with pytest.raises(RecipeInvalid, match="made by surgery already"):
        Recipe(make_recipe().name, "3")


class Deciding(nn.Module):
    """Its forward depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.flat = nn.Conv2d(3, 4, 3), nn.Flatten()
        self.unused = nn.Conv2d(4, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 1e9:
            x = x / 2
        return self.flat(self.first(x))  # type: ignore[no-any-return]


class Plain(Deciding):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.flat(self.first(x)).sum(dim=1)  # type: ignore[no-any-return]


def test_what_cannot_be_cut_is_refused_in_words() -> None:
    refused = [
        (Plain(), "nothing", LayerNotFound, "no layer 'nothing'"),
        (Plain(), "flat", CannotCut, "not maps of units"),
        (Plain(), "unused", CannotCut, "never reaches unused"),
        (Deciding(), "first", CannotCut, "decides by what it computes"),
        (nn.Sequential(nn.Conv2d(3, 4, 32)), "0", CannotCut, "maps of one cell"),
        (nn.Sequential(nn.Conv2d(3, 4, 64)), "0", CannotCut, "fails at 32 px"),
        (nn.Sequential(nn.Conv2d(4, 4, 3)), "0", CannotCut, "fails at 32 px"),
    ]
    for module, layer, kind, words in refused:
        with pytest.raises(kind, match=words):
            cut(module, layer=layer, input_px=32)
    network = LoadedNetwork("own:net", Plain(), Preprocessing(input_px=32), weights_sha256="")
    with pytest.raises(CannotCut, match="not maps"):
        perform_surgery(network, Recipe("own:net", "flat"))


def test_only_what_lies_before_the_cut_must_be_traceable() -> None:
    class Late(Deciding):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            maps = self.first(x)
            return maps if maps.sum() > 0 else -maps  # type: ignore[no-any-return]

    assert cut(Late(), layer="first", input_px=32).shape == (4, 30, 30)
