"""What units feed: exact through ReLU and pools, both parents at a sum, each part at its place in a concatenation."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from workers.engine.walk import choose_strongest, walk


class Residual(nn.Module):
    """A 1 x 1 convolution, a block with a batch normalization beside a shortcut, and a last 1 x 1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Conv2d(3, 5, 1)
        self.inner = nn.Conv2d(5, 5, 1)
        self.norm = nn.BatchNorm2d(5)
        self.last = nn.Conv2d(5, 4, 1)
        self.norm.running_mean.normal_()  # type: ignore[union-attr, operator]
        self.norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr, operator]
        nn.init.uniform_(self.norm.weight, 0.5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = x + self.norm(self.inner(x))
        return torch.relu_(self.last(x))


class Scaled(nn.Module):
    """What linear operations do to a channel between two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.first, self.inner, self.last = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 5, 1), nn.Conv2d(5, 4, 1)
        self.scale = nn.Parameter(torch.randn(5, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = 1 - self.inner(0.5 * self.first(x)) * self.scale
        y = torch.sub(self.scale, -y / 4, alpha=3)
        return self.last(torch.add(y, 2 * y, alpha=0.5).mul_(3))


class Fire(nn.Module):
    """Two branches side by side, then a pool and a convolution in two groups."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.left, self.right = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 2, 3, padding=1)
        self.after = nn.Conv2d(6, 4, 3, groups=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([torch.relu(self.left(x)), torch.relu(self.right(x))], dim=1)
        return self.after(nn.functional.max_pool2d(joined, 2))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def batches(images: torch.Tensor) -> Iterator[torch.Tensor]:
    yield from images.split(3)


def test_strengths_and_the_bias_sum_to_the_mean_of_what_a_unit_takes_in(images: torch.Tensor) -> None:
    module = Residual().eval()
    found = walk(module=module, paths=["first", "inner", "last"], batches=batches(images))
    assert set(found) == {("first", "inner"), ("first", "last"), ("inner", "last")}
    with torch.no_grad():
        entering = torch.relu(module.first(images))
        inner = module.inner(entering)
        summed = entering + module.norm(inner)
        into_inner = inner.mean(dim=(0, 2, 3)) - module.inner.bias
        into_last = module.last(summed).mean(dim=(0, 2, 3)) - module.last.bias
        normed = module.norm(inner).mean(dim=(0, 2, 3))
    assert np.allclose(found["first", "inner"].mean.sum(axis=1), into_inner.numpy(), atol=1e-5)
    # Both parents of the sum: the shortcut, and the branch as it leaves the normalization.
    parents = found["first", "last"].mean.sum(axis=1) + found["inner", "last"].mean.sum(axis=1)
    assert np.allclose(parents, into_last.numpy(), atol=1e-5)
    branch = module.last.weight.detach().flatten(1) * normed
    assert np.allclose(found["inner", "last"].mean, branch.numpy(), atol=1e-5)


def test_factors_of_a_channel_multiply_its_strengths_and_maps_of_factors_are_not_followed(
    images: torch.Tensor,
) -> None:
    module = Scaled().eval()
    found = walk(module=module, paths=["first", "last"], batches=batches(images))["first", "last"].mean
    with torch.no_grad():
        means = 0.5 * module.first(images).mean(dim=(0, 2, 3))
        inner = module.inner.weight.flatten(1) * module.scale.flatten()[:, None]
        expected = module.last.weight.flatten(1) @ (inner * (-1 * 0.25 * 3 * 2 * 3)) * means
    assert np.allclose(found, expected.numpy(), atol=1e-5)
    module.scale = nn.Parameter(torch.randn(5, 8, 8))
    assert walk(module=module, paths=["first", "last"], batches=batches(images)) == {}


def test_parts_of_a_concatenation_and_groups_keep_their_places(images: torch.Tensor) -> None:
    module = Fire().eval()
    found = walk(module=module, paths=["left", "right", "after"], batches=batches(images))
    with torch.no_grad():
        joined = torch.cat([torch.relu(module.left(images)), torch.relu(module.right(images))], dim=1)
        means = nn.functional.max_pool2d(joined, 2).mean(dim=(0, 2, 3))
    kernels = module.after.weight.detach().sum(dim=(2, 3))
    expected = torch.zeros(4, 6)
    expected[:2, :3], expected[2:, 3:] = kernels[:2] * means[:3], kernels[2:] * means[3:]
    both = np.concatenate([found["left", "after"].mean, found["right", "after"].mean], axis=1)
    assert np.allclose(both, expected.numpy(), atol=1e-6)
    assert {one.n_convolutions for one in found.values()} == {1}


def test_what_lies_between_is_counted_and_an_edge_ends_at_the_next_layer(images: torch.Tensor) -> None:
    torch.manual_seed(3)
    module = nn.Sequential(*[nn.Conv2d(3, 3, 1) for _ in range(4)]).eval()
    found = walk(module=module, paths=["0", "2", "3"], batches=batches(images))
    assert {edge: one.n_convolutions for edge, one in found.items()} == {("0", "2"): 2, ("2", "3"): 1}


def test_the_strongest_are_listed_by_size_with_ties_to_the_first() -> None:
    first, second = np.array([[1.0, -4.0]], dtype=np.float32), np.array([[3.0, -1.0, 0.0]], dtype=np.float32)
    chosen = choose_strongest(numbers=[5, 9], matrices=[first, second], n_units=1)
    assert chosen.layer[0].tolist() == [5, 9, 5, 9, 9, -1, -1, -1]
    assert chosen.unit[0].tolist() == [1, 0, 0, 1, 2, -1, -1, -1]
    assert chosen.strength[0, :4].tolist() == [-4.0, 3.0, 1.0, -1.0]
