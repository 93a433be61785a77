"""A bag of words and a photograph, learned together: numbers, epochs, and what is chosen by validation. [ZTSSF15].

docs/readouts.md, Questions. Vectors are rows; A answers, V words, K units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.readouts.bench import Bench
from workers.engine.readouts.epochs import run_epochs
from workers.engine.readouts.options import VQA

# Published constants [ZTSSF15] 2: size of the embedding, learning rates of embedding and softmax, the largest weights.
EMBEDDING = 1024
RATES, LIMITS = {"embedding": 0.8, "words": 0.01, "image": 0.01}, {"embedding": 1500.0, "words": 20.0, "image": 20.0}
# Not published: batches, and the spread of the words' first weights. Those of the image begin at zero.
BATCH, SPREAD = 100, 0.08
# Not published, and chosen on a part of what is trained on: what x is multiplied by, since it has length 1; epochs.
SCALES, MOST_EPOCHS, EPOCH_STEP = (5.0, 10.0, 20.0, 40.0), 60, 5
BOTH, IMAGE, WORDS = VARIANTS = ("both", "image", "words")

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Table:
    """Questions as numbers: `bags` (n, V) which words they have, `x` (n, K) and `answers` (n,), -1 for unknown ones."""

    bags: torch.Tensor
    x: torch.Tensor
    answers: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "Table":
        places = torch.from_numpy(rows)
        return Table(self.bags[places], self.x[places], self.answers[rows])


@dataclass(frozen=True)
class Recipe:
    """What x is multiplied by, for how many epochs is learned, and the accuracy on the part by which both were chosen,
    None if nothing was to choose.
    """

    scale: float
    n_epochs: int
    accuracy: float | None = None


@dataclass(frozen=True)
class Learned:
    """The weights of a variant, by name: `image` (A, K) of x times the recipe's scale, `words` (A, EMBEDDING) and
    `embedding` (V, EMBEDDING).
    """

    state: State
    recipe: Recipe

    def score(self, table: Table) -> torch.Tensor:
        """(n, A)"""
        return _score(self.state, table.bags, table.x * self.recipe.scale)


def choose_recipe(bench: Bench, variant: str, training: Table, validation: Table) -> Recipe:
    """The one of highest accuracy on the validation; of equal ones the smallest scale, then the fewest epochs."""
    stated = bench.options.epochs
    if not len(training.answers) or not len(validation.answers):
        return Recipe(SCALES[0], stated or MOST_EPOCHS)
    tried = [
        Recipe(scale, n_epochs, accuracy)
        for scale in (SCALES if variant != WORDS else SCALES[:1])
        for n_epochs, accuracy in _try_epochs(bench, variant, scale, training, validation)
        if n_epochs == stated or (not stated and n_epochs % EPOCH_STEP == 0)
    ]
    return max(tried, key=lambda one: one.accuracy or 0.0)


def _try_epochs(
    bench: Bench, variant: str, scale: float, training: Table, validation: Table
) -> Iterator[tuple[int, float]]:
    """After each epoch, how many of the validation are answered right."""
    run = _Run(bench, variant, Recipe(scale, bench.options.epochs or MOST_EPOCHS))
    hits = torch.zeros(run.recipe.n_epochs)
    run.learn(training, f"trying {variant}, scale {scale:g}", hits=hits, validation=validation)
    yield from enumerate(hits.tolist(), start=1)


def learn(bench: Bench, variant: str, table: Table, recipe: Recipe) -> Learned:
    named = f"{IMAGE} and {WORDS}" if variant == BOTH else variant
    return Learned(_Run(bench, variant, recipe).learn(table, f"learning by {named}"), recipe)


@dataclass(frozen=True)
class _Run:
    bench: Bench
    variant: str
    recipe: Recipe

    def learn(
        self, table: Table, stage: str, *, hits: torch.Tensor | None = None, validation: Table | None = None
    ) -> State:
        """If `hits` (n_epochs,) is given, it gets the accuracy on the validation after each epoch."""
        state, n_epochs = self._begin(table), self.recipe.n_epochs
        scaled = replace(table, x=table.x * self.recipe.scale)

        def learn_epoch(epoch: int) -> None:
            self._learn_epoch(state, scaled, epoch)
            if hits is not None and validation is not None:
                hits[epoch] = _find_accuracy(Learned(state, self.recipe), validation)

        name = f"{VQA}-{self.variant}{'' if hits is None else f'-{self.recipe.scale:g}'}"
        run_epochs(
            tensors=state if hits is None else {**state, "hits": hits}, n_epochs=n_epochs, learn=learn_epoch,
            checkpoint=self.bench.open_checkpoint(name),
            progress=lambda n_done: self.bench.progress(stage, n_done, n_epochs),
        )  # fmt: skip
        return state

    def _begin(self, table: Table) -> State:
        generator, n_answers = torch.Generator().manual_seed(self.bench.options.seed), int(table.answers.max()) + 1
        shapes = {"embedding": (table.bags.shape[1], EMBEDDING), "words": (n_answers, EMBEDDING)}
        state = {
            name: (torch.rand(shape, generator=generator) * 2 - 1) * SPREAD
            for name, shape in shapes.items()
            if self.variant != IMAGE
        }
        return state if self.variant == WORDS else {**state, "image": torch.zeros(n_answers, table.x.shape[1])}

    def _learn_epoch(self, state: State, table: Table, epoch: int) -> None:
        order = np.random.default_rng((self.bench.options.seed, epoch)).permutation(len(table.answers))
        for first in range(0, len(order), BATCH):
            some = table.take(order[first : first + BATCH])
            _step(state, some.bags, some.x, torch.from_numpy(some.answers))


def _step(state: State, bags: torch.Tensor, x: torch.Tensor, truth: torch.Tensor) -> None:
    for tensor in state.values():
        tensor.requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(_score(state, bags, x), truth)
    gradients = torch.autograd.grad(loss, list(state.values()))
    with torch.no_grad():
        for (name, tensor), gradient in zip(state.items(), gradients, strict=True):
            tensor.requires_grad_(False)
            tensor.sub_(RATES[name] * gradient).clamp_(-LIMITS[name], LIMITS[name])


def _score(state: State, bags: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    parts = []
    if "image" in state:
        parts.append(x @ state["image"].T)
    if "words" in state:
        parts.append((bags @ state["embedding"]) @ state["words"].T)
    return torch.stack(parts).sum(dim=0)


def _find_accuracy(learned: Learned, table: Table) -> float:
    return float((learned.score(table).argmax(dim=1).numpy() == table.answers).mean())
