"""The same network with weights drawn at random: what it gives before it has learned anything (docs/measures.md,
Chance).

The network's own code draws the weights: it is built again after the seed is set. Code that sets weights of its own (it
reads a file, say) gives the same tensors after each seed; the values of such a tensor are dealt out again, so that they
keep their distribution and lose their places.
"""

import copy
from dataclasses import replace

import torch
from torch import nn

from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.encoder_recipe import find_encoded
from workers.engine.networks.encoders import Encoded, with_other_base
from workers.engine.networks.identity import FROM_CODE, hash_tensors, is_constant, list_weights
from workers.engine.networks.loading import LoadedNetwork, load_network, name_with_classes

# Where the tensors came from, if some could not be drawn.
DEALT_OUT = "dealt out again"


def draw_weights(network: LoadedNetwork, *, seed: int) -> LoadedNetwork:
    """A new network, `weights_from` RANDOM or DEALT_OUT; an encoder stays as it is. Raises NetworkError."""
    if isinstance(network.module, Encoded):
        base = replace(network, architecture=find_encoded(network.architecture), module=network.module.network)
        return with_other_base(network, draw_weights(base, seed=seed))
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
    if not _find_set(drawn.module, other.module):
        return replace(drawn, architecture=network.architecture, n_classes=network.n_classes)
    # Code that keeps its module gives the same one each time: the copy leaves it as it is.
    module = copy.deepcopy(drawn.module)
    places = _find_set(module, other.module)
    weights, known = list(list_weights(module)), list(list_weights(network.module))
    if network.weights_from == FROM_CODE and any(not torch.equal(weights[i], known[i]) for i in places):
        raise NetworkError(f"The weights that {network.architecture} reads changed meanwhile; dissect again.")
    _deal_out([weights[i] for i in places], seed)
    return replace(drawn, module=module, weights_sha256=hash_tensors(module), weights_from=DEALT_OUT)


def _find_set(module: nn.Module, other: nn.Module) -> list[int]:
    """The places, in the order of list_weights, of tensors that the code sets, whatever the seed."""
    pairs = enumerate(zip(list_weights(module), list_weights(other), strict=True))
    return [i for i, (one, again) in pairs if torch.equal(one, again) and not is_constant(one)]


def _deal_out(tensors: list[torch.Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for tensor in tensors:
        order = torch.randperm(tensor.numel(), generator=generator)
        tensor.copy_(tensor.flatten()[order.to(tensor.device)].reshape(tensor.shape))
