"""Which network ran: the digest of its tensors after loading, and that of the code that was written for it.

Two networks are the same if both digests, architecture and preprocessing are equal, wherever their files lie.
"""

import hashlib
from collections.abc import Iterator

import torch
from torch import nn

# Where the tensors came from.
FROM_FILE, FROM_CODE, RANDOM, SAVED_VALUES = "file", "code", "random", "activations"


def hash_tensors(module: nn.Module) -> str:
    """Hex SHA-256 of the module's state: by name in sorted order, each tensor's name, type, shape and bytes.

    The bytes are those of the contiguous tensor in memory order (little-endian), whatever device or memory format.
    """
    digest = hashlib.sha256()
    state = module.state_dict()
    for name in sorted(state):
        tensor = state[name]
        if not isinstance(tensor, torch.Tensor):
            digest.update(f"{name}\0{tensor!r}\n".encode())
            continue
        plain = tensor.detach().to("cpu")
        plain = plain.to_dense() if plain.layout is not torch.strided else plain
        digest.update(f"{name}\0{_type_name(plain)}\0{tuple(plain.shape)}\n".encode())
        digest.update(_bytes(plain))
    return digest.hexdigest()


def _type_name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _bytes(tensor: torch.Tensor) -> memoryview:
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    flat = tensor.contiguous().reshape(-1).resolve_conj().resolve_neg()
    return flat.view(torch.uint8).numpy().data


def list_weights(module: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters and running statistics. Other buffers, such as fixed filters, are part of the architecture."""
    yield from (parameter.data for parameter in module.parameters())
    yield from (buffer for name, buffer in module.named_buffers() if "running_" in name)


def is_constant(tensor: torch.Tensor) -> bool:
    """True if all values of the tensor are equal, as those of a bias that begins at 0."""
    return tensor.numel() == 0 or bool((tensor == tensor.flatten()[0]).all())
