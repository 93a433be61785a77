"""Learn a module's weights from a source, epoch by epoch; what is learned can be taken up again where it stopped.

AdamW with a cosine schedule; the epoch with the lowest loss on the validation part is kept. The order of photographs
and what the network draws follow from seed, epoch and step alone, so that a run that was interrupted
ends with the same weights.
"""

import copy
import hashlib
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from workers.engine.kept_memory import keeping_memory
from workers.engine.networks.surgery import HEAD
from workers.engine.training.options import FitInvalid, FitOptions
from workers.engine.training.sources import Source

WEIGHT_DECAY = 1e-4
# Layers that were trained before learn at this share of the rate.
BODY_SHARE = 0.1

State = dict[str, torch.Tensor]


class Checkpoint(Protocol):
    """Where a run is kept, under a name that tells all it depends on."""

    def read(self) -> bytes | None: ...
    def write(self, data: bytes) -> None: ...
    def is_due(self) -> bool:
        """True if so much time went by that the work since the last one is worth keeping."""


@dataclass(frozen=True)
class Examples:
    """Photographs by their places in the source, and the classes of all."""

    source: Source
    labels: NDArray[np.int64]
    training: NDArray[np.int64]
    validation: NDArray[np.int64]


@dataclass
class Run:
    """How far a run has come: `step` batches of the epoch `epoch` are done. The best epoch is the one of least loss."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = -1
    best_loss: float = math.inf
    best_error: float = 1.0
    best: State = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """The weights of the best epoch; errors are shares of the validation part."""

    state: State
    n_epochs: int
    best_epoch: int
    validation_loss: float
    validation_error: float


@keeping_memory()
def learn(
    module: nn.Module,
    examples: Examples,
    options: FitOptions,
    *,
    seed: int,
    checkpoint: Checkpoint,
    progress: Callable[[Run], None],
) -> Learned:
    """Ends with the best weights in the module. Raises FitInvalid if the loss is not finite while training, or on the
    validation part in the first epoch.
    """
    teacher = _Teacher(module, examples, options, seed)
    teacher.resume(checkpoint.read())
    run = teacher.run
    while run.epoch < options.epochs and run.epoch - run.best_epoch <= options.patience:
        for step in range(run.step, teacher.n_steps):
            teacher.step(step)
            run.step = step + 1
            progress(run)
            if checkpoint.is_due():
                checkpoint.write(teacher.save())
        teacher.judge()
        run.epoch, run.step = run.epoch + 1, 0
        checkpoint.write(teacher.save())
    module.load_state_dict(run.best)
    return Learned(run.best, run.epoch, run.best_epoch, run.best_loss, run.best_error)


class _Teacher:
    """One run: module, optimizer and how far it has come."""

    def __init__(self, module: nn.Module, examples: Examples, options: FitOptions, seed: int) -> None:
        self.module, self.examples, self.options, self.seed = module, examples, options, seed
        self.optimizer = torch.optim.AdamW(_list_groups(module, options.learning_rate), weight_decay=WEIGHT_DECAY)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.run = Run()
        self.n_steps = math.ceil(len(examples.training) / options.batch_size)
        self._ordered: tuple[int, NDArray[np.int64], NDArray[np.bool_]] | None = None

    def step(self, step: int) -> None:
        """One batch. Batch normalization cannot learn from one photograph: it joins the batch before."""
        places, mirrored = self._choose(step)
        self._set_rates(self.run.epoch + step / self.n_steps)
        self.module.train()
        with self._drawing(step):
            self._learn(places, mirrored)

    def _learn(self, places: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> None:
        loss = functional.cross_entropy(self._score(places, mirrored), self._label(places))
        if not torch.isfinite(loss):
            raise FitInvalid(self._tell_not_finite("The loss"))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def judge(self) -> None:
        """Loss and error on the validation part; keeps the weights if none was better."""
        run, places = self.run, self.examples.validation
        scores = score_all(self.module, self.examples.source, places, size=self.options.batch_size)
        labels = torch.from_numpy(self.examples.labels[places])
        loss = float(functional.cross_entropy(scores, labels))
        if run.best_epoch < 0 and not math.isfinite(loss):
            raise FitInvalid(self._tell_not_finite("The loss on the validation part"))
        if loss < run.best_loss:
            run.best_loss, run.best_epoch = loss, run.epoch
            run.best_error = float((scores.argmax(dim=1) != labels).double().mean())
            run.best = {key: one.detach().to("cpu", copy=True) for key, one in self.module.state_dict().items()}

    def _tell_not_finite(self, what: str) -> str:
        return (
            f"{what} is not a finite number in epoch {self.run.epoch + 1}. Use a lower --learning-rate, and look at "
            "the network's preprocessing."
        )

    @contextmanager
    def _drawing(self, step: int) -> Iterator[None]:
        """Within it, what the network draws (dropout, stochastic depth) follows from seed, epoch and step alone."""
        device = next(self.module.parameters()).device
        digest = hashlib.sha256(f"{self.seed} {self.run.epoch} {step}".encode()).digest()
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int.from_bytes(digest[:7]))
            yield

    def save(self) -> bytes:
        file = io.BytesIO()
        torch.save(
            {"run": vars(self.run), "module": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}, file
        )
        return file.getvalue()

    def resume(self, data: bytes | None) -> None:
        if data is None:
            return
        held: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
        self.module.load_state_dict(held["module"])
        self.optimizer.load_state_dict(held["optimizer"])
        self.run = Run(**held["run"])

    def _choose(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if self._ordered is None or self._ordered[0] != self.run.epoch:
            generator = np.random.default_rng((self.seed, self.run.epoch))
            order = generator.permutation(self.examples.training)
            self._ordered = self.run.epoch, order, (generator.random(len(order)) < 0.5) & self.options.mirrors
        _, order, mirrored = self._ordered
        chosen = slice(step * self.options.batch_size, (step + 1) * self.options.batch_size)
        if len(order[chosen]) == 1 and step:
            chosen = slice(chosen.start - 1, None)
        return order[chosen], mirrored[chosen]

    def _score(self, places: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> torch.Tensor:
        scores: torch.Tensor = self.module(self.examples.source.read(places, mirrored))
        return scores

    def _label(self, places: NDArray[np.int64]) -> torch.Tensor:
        device = next(self.module.parameters()).device
        return torch.from_numpy(self.examples.labels[places]).to(device)

    def _set_rates(self, epoch: float) -> None:
        share = 0.5 * (1 + math.cos(math.pi * epoch / self.options.epochs))
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * share


def _list_groups(module: nn.Module, rate: float) -> list[dict[str, Any]]:
    """The head's parameters, and those of layers that were trained before, if the module has such."""
    head = getattr(module, HEAD, module)
    own = {id(one) for one in head.parameters()}
    before = [one for one in module.parameters() if id(one) not in own]
    groups = [{"params": list(head.parameters()), "lr": rate}]
    return [*groups, {"params": before, "lr": BODY_SHARE * rate}] if before else groups


def score_all(module: nn.Module, source: Source, places: NDArray[np.int64], *, size: int) -> torch.Tensor:
    """(n, classes) scores of the photographs, unmirrored, on the CPU."""
    module.eval()
    with torch.inference_mode():
        parts = [
            module(source.read(some, np.zeros(len(some), dtype=bool))).to("cpu", torch.float32)
            for some in (places[first : first + size] for first in range(0, len(places), size))
        ]
    return torch.cat(parts).clone()


def copy_module(module: nn.Module) -> nn.Module:
    """One that learns; the other stays as it is."""
    learning = copy.deepcopy(module)
    for one in learning.parameters():
        one.requires_grad_(True)
    return learning
