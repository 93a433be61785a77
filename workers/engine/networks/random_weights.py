"""The same network with weights drawn at random: what it gives before it has learned anything (docs/measures.md,
Chance).

The network's own code draws the weights: it is built again after the seed is set. Code that sets weights of its own (it
reads a file, say) gives the same tensors after each seed; the values of such a tensor are dealt out again, so that they
keep their distribution and lose their places.
"""

import copy
from dataclasses import replace

import torch

from workers.engine.networks.identity import hash_tensors, is_constant, list_weights
from workers.engine.networks.loading import LoadedNetwork, load_network, name_with_classes

# Where the tensors came from, if some could not be drawn.
DEALT_OUT = "dealt out again"


def draw_weights(network: LoadedNetwork, *, seed: int) -> LoadedNetwork:
    """A new network, `weights_from` RANDOM or DEALT_OUT. Raises NetworkError."""
    device = next((str(one.device) for one in network.module.parameters()), "cpu")
    architecture = name_with_classes(network.architecture, network.n_classes)
    drawn, other = (
        load_network(
            architecture=architecture,
            weights=None,
            preprocessing=network.preprocessing,
            device=device,
            seed=one,
        )
        for one in (seed, seed + 1)
    )
    pairs = zip(list_weights(drawn.module), list_weights(other.module), strict=True)
    if all(is_constant(one) or not torch.equal(one, again) for one, again in pairs):
        return replace(drawn, architecture=network.architecture, n_classes=network.n_classes)
    # Code that keeps its module gives the same one each time: the copy leaves it as it is.
    module = copy.deepcopy(drawn.module)
    pairs = zip(list_weights(module), list_weights(other.module), strict=True)
    _deal_out([one for one, again in pairs if torch.equal(one, again) and not is_constant(one)], seed)
    return replace(drawn, module=module, weights_sha256=hash_tensors(module), weights_from=DEALT_OUT)


def _deal_out(tensors: list[torch.Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for tensor in tensors:
        order = torch.randperm(tensor.numel(), generator=generator)
        tensor.copy_(tensor.flatten()[order.to(tensor.device)].reshape(tensor.shape))
