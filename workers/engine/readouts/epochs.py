"""Learning in epochs that can be taken up where they stopped. What is kept on the way is safetensors, never code."""

from collections.abc import Callable, Mapping

import torch
from safetensors.torch import load, save

from workers.engine.one_thread import one_thread
from workers.engine.training.learning import Checkpoint

EPOCH = "epoch"


def run_epochs(
    *,
    tensors: Mapping[str, torch.Tensor],
    n_epochs: int,
    learn: Callable[[int], None],
    checkpoint: Checkpoint,
    progress: Callable[[int], None],
) -> None:
    """Call `learn` with each epoch; it changes the tensors in place, and nothing else that the next epoch needs."""
    held = checkpoint.read()
    kept = load(held) if held is not None else {}
    begun = int(kept.pop(EPOCH)) if kept else 0
    with torch.no_grad():
        for name, tensor in kept.items():
            tensors[name].copy_(tensor)
    for epoch in range(begun, n_epochs):
        with one_thread():
            learn(epoch)
        progress(epoch + 1)
        if checkpoint.is_due() or epoch + 1 == n_epochs:
            told = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
            checkpoint.write(save({**told, EPOCH: torch.tensor(epoch + 1)}))
