"""How the network of captions learns: by Adam, in epochs that can be taken up. docs/readouts.md, Captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from workers.engine.readouts.bench import Bench
from workers.engine.readouts.caption_network import END, MAX_WORDS, N_SPECIAL, UNKNOWN, CaptionNetwork
from workers.engine.readouts.epochs import run_epochs
from workers.engine.readouts.options import CAPTION

BATCH, EPOCHS, RATE = 64, 20, 2e-3
# In place of a word, where a caption has ended.
NONE = -1


@dataclass(frozen=True)
class Pairs:
    """`words` (n, MAX_WORDS) of n captions as places in the vocabulary, and `owners` (n,), the row of each one's x."""

    words: torch.Tensor
    owners: torch.Tensor

    @classmethod
    def number(cls, texts: Sequence[tuple[int, list[str]]], vocabulary: Sequence[str]) -> "Pairs":
        places = {word: place + N_SPECIAL for place, word in enumerate(vocabulary)}
        words = torch.full((len(texts), MAX_WORDS), NONE)
        for row, (_, text) in enumerate(texts):
            numbers = [places.get(word, UNKNOWN) for word in text[: MAX_WORDS - 1]] + [END]
            words[row, : len(numbers)] = torch.tensor(numbers)
        return cls(words, torch.tensor([owner for owner, _ in texts]))


def learn_captions(bench: Bench, x: torch.Tensor, pairs: Pairs, *, n_words: int) -> CaptionNetwork:
    """From x (n, K) of the photographs."""
    seed, n_epochs = bench.options.seed, bench.options.epochs or EPOCHS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CaptionNetwork(n_units=x.shape[1], n_words=n_words)
    optimizer = _make_optimizer(network)
    run_epochs(
        tensors={**dict(network.named_parameters()), **_list_moments(network, optimizer)}, n_epochs=n_epochs,
        learn=lambda epoch: _learn_epoch(network, optimizer, x, pairs, (seed, epoch)),
        checkpoint=bench.open_checkpoint(CAPTION),
        progress=lambda n_done: bench.progress("learning captions", n_done, n_epochs),
    )  # fmt: skip
    return network.eval()


def _learn_epoch(
    network: CaptionNetwork, optimizer: torch.optim.Adam, x: torch.Tensor, pairs: Pairs, seeds: tuple[int, int]
) -> None:
    network.train()
    order = np.random.default_rng(seeds).permutation(len(pairs.owners))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds[0] * 10_007 + seeds[1])
        for first in range(0, len(order), BATCH):
            some = torch.from_numpy(order[first : first + BATCH])
            words = pairs.words[some]
            scores = network(x[pairs.owners[some]], words[:, :-1].clamp_min(END))
            loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), words.flatten(), ignore_index=NONE)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _make_optimizer(network: CaptionNetwork) -> torch.optim.Adam:
    """Its moments are there before the first step, so that they can be kept."""
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    for one in network.parameters():
        optimizer.state[one] = {
            "step": torch.zeros(()), "exp_avg": torch.zeros_like(one), "exp_avg_sq": torch.zeros_like(one),
        }  # fmt: skip
    return optimizer


def _list_moments(network: CaptionNetwork, optimizer: torch.optim.Adam) -> dict[str, torch.Tensor]:
    return {
        f"{name}:{key}": tensor
        for name, one in network.named_parameters()
        for key, tensor in optimizer.state[one].items()
    }
