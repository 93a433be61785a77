"""Back-propagation, deconvolution and guided back-propagation, by a plain backward pass written out layer by layer."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn
from torch.nn import functional

from workers.engine.evidence.names import BACK_PROPAGATION, DECONVOLUTION, GUIDED, VIEWS
from workers.engine.evidence.saliency import correlate_ranks, differentiate, rank
from workers.engine.networks.checkpoints import NetworkError

METHODS = VIEWS[1:]


def make_network(relu: nn.Module) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), relu, nn.MaxPool2d(2), nn.Conv2d(5, 4, 3), relu, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    ).requires_grad_(False)  # fmt: skip


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(1, 3, 14, 14, generator=torch.Generator().manual_seed(5)) * 3


def pass_back(method: str, gradient: torch.Tensor, taken: torch.Tensor, ceiling: float) -> torch.Tensor:
    is_open = (taken > 0) & (taken < ceiling)
    if method == BACK_PROPAGATION:
        return torch.where(is_open, gradient, 0)
    kept = torch.where(gradient > 0, gradient, 0)
    return kept if method == DECONVOLUTION else torch.where(is_open, kept, 0)


def oracle(network: nn.Sequential, images: torch.Tensor, chosen: int, method: str, ceiling: float) -> torch.Tensor:
    """(H, W). Transposed filters, switches, and the ReLU's rule, in the order of [ZF14]."""
    first, second, last = network[0], network[3], network[7]
    a = functional.conv2d(images, first.weight, first.bias)
    pooled, switches = functional.max_pool2d(a.clamp(0, ceiling), 2, return_indices=True)
    b = functional.conv2d(pooled, second.weight, second.bias)
    gradient = last.weight[chosen][None, :, None, None].expand(b.shape) / (b.shape[2] * b.shape[3])
    gradient = pass_back(method, gradient, b, ceiling)
    gradient = functional.conv_transpose2d(gradient, second.weight)
    gradient = functional.max_unpool2d(gradient, switches, 2, output_size=a.shape)
    gradient = pass_back(method, gradient, a, ceiling)
    return functional.conv_transpose2d(gradient, first.weight)[0].abs().amax(dim=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("relu", "ceiling"),
    [(nn.ReLU(), np.inf), (nn.ReLU(inplace=True), np.inf), (nn.ReLU6(), 6.0), (nn.ReLU6(inplace=True), 6.0),
     (nn.Hardtanh(0.0, 1.5), 1.5)],
)  # fmt: skip
def test_each_method_is_what_its_paper_writes_down(
    images: torch.Tensor, method: str, relu: nn.Module, ceiling: float
) -> None:
    network = make_network(relu)
    found, n_relus = differentiate(images, lambda leaf: network(leaf)[0, 1], method=method)
    assert n_relus == 2
    np.testing.assert_allclose(found, oracle(network, images, 1, method, ceiling), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_functions_are_relus_too_and_other_activations_stay(images: torch.Tensor, method: str) -> None:
    network = make_network(nn.ReLU())
    parts = list(network)

    def run(relu: object) -> NDArray[np.float32]:
        def score(leaf: torch.Tensor) -> torch.Tensor:
            a = parts[2](relu(parts[0](leaf)))  # type: ignore[operator]
            return network[5:](relu(parts[3](a)))[0, 0]  # type: ignore[operator]

        found, n_relus = differentiate(images, score, method=method)
        assert n_relus == (0 if relu is torch.tanh else 2)
        return found

    expected = run(parts[1])
    for relu in (torch.relu, torch.relu_, functional.relu, torch.Tensor.relu, torch.Tensor.relu_):
        np.testing.assert_allclose(run(relu), expected, rtol=1e-5, atol=1e-7)
    assert not np.allclose(run(torch.tanh), expected)


def test_methods_differ_and_leave_the_network_as_it_was(images: torch.Tensor) -> None:
    network = make_network(nn.ReLU(inplace=True))
    before = network(images.clone())
    back, deconvolved, guided = (
        differentiate(images, lambda leaf: network(leaf)[0, 1], method=method)[0] for method in METHODS
    )
    assert not np.allclose(back, guided)
    assert not np.allclose(deconvolved, guided)
    torch.testing.assert_close(network(images.clone()), before)
    with torch.enable_grad():
        leaf = images.clone().requires_grad_()
        (plain,) = torch.autograd.grad(network(leaf)[0, 1], leaf)
    np.testing.assert_allclose(back, plain[0].abs().amax(dim=0), rtol=1e-4, atol=1e-6)


def test_a_network_without_gradients_is_refused(images: torch.Tensor) -> None:
    with pytest.raises(NetworkError, match="no gradients"):
        differentiate(images, lambda leaf: torch.zeros(()), method=GUIDED)


def test_ranks_and_their_correlation_are_scipys() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(-4, 5, 200).astype(float), rng.normal(size=200)
    assert correlate_ranks(one, other) == pytest.approx(spearmanr(abs(one), abs(other)).statistic)
    assert correlate_ranks(one, one) == pytest.approx(1)
    assert correlate_ranks(one, np.ones(200)) is None
    np.testing.assert_array_equal(rank(np.array([2.0, 1.0, 2.0, 5.0])), [1.5, 0.0, 1.5, 3.0])
