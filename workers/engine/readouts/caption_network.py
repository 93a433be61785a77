"""A small network that says a caption: the photograph's vector once into an LSTM, then word after word. A toy.

[VTBE15] with the units of a layer in place of a network trained along; docs/readouts.md, Captions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

WIDTH = 128
DROPOUT = 0.3
# Places in the vocabulary before its words.
END, UNKNOWN, N_SPECIAL = 0, 1, 2
MAX_WORDS = 16
# What x, of length 1, is multiplied by.
IMAGE_SCALE = 20.0


class CaptionNetwork(nn.Module):
    """Scores (n, t, V) of the next words, from x (n, K) and the words (n, t) before each."""

    def __init__(self, *, n_units: int, n_words: int) -> None:
        super().__init__()
        self.image = nn.Linear(n_units, WIDTH)
        self.embedding = nn.Embedding(n_words, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.last = nn.Linear(WIDTH, n_words)

    def forward(self, x: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """The photograph is the first input, so that t + 1 words are scored."""
        first = self.image(x * IMAGE_SCALE)[:, None]
        given = torch.cat([first, self.embedding(words)], dim=1)
        found: torch.Tensor = self.last(self.dropout(self.lstm(self.dropout(given))[0]))
        return found


@dataclass(frozen=True)
class Said:
    """A caption: `words` are places in the vocabulary, `scores` those of each, and `gradients` (t, K) how each score
    depends on x.
    """

    words: list[int]
    scores: list[float]
    gradients: NDArray[np.float64]


def say(network: CaptionNetwork, x: torch.Tensor) -> list[list[int]]:
    """For each of x (n, K) the words of highest score, one after the other, until the end."""
    words = torch.zeros(len(x), 0, dtype=torch.int64)
    with torch.inference_mode():
        for _ in range(MAX_WORDS):
            best = _forbid(network(x, words)[:, -1]).argmax(dim=1)
            words = torch.cat([words, best[:, None]], dim=1)
            if (words == END).any(dim=1).all():
                break
    return [_cut(row) for row in words.tolist()]


def _forbid(scores: torch.Tensor) -> torch.Tensor:
    scores = scores.clone()
    scores[:, UNKNOWN] = -torch.inf
    return scores


def _cut(words: Sequence[int]) -> list[int]:
    return list(words[: words.index(END)] if END in words else words)


def say_why(network: CaptionNetwork, x: torch.Tensor) -> Said:
    """Of one x (K,)."""
    words = say(network, x[None])[0]
    asked = x[None].clone().requires_grad_(True)
    with torch.enable_grad():
        scores = network(asked, torch.tensor([words[:-1]], dtype=torch.int64))[0]
        chosen = [scores[place, word] for place, word in enumerate(words)]
        gradients = [torch.autograd.grad(one, asked, retain_graph=True)[0][0] for one in chosen]
    stacked = torch.stack(gradients).double().numpy() if gradients else np.zeros((0, len(x)))
    return Said(words, [float(one.detach()) for one in chosen], np.asarray(stacked))
