"""Surgery and fits: answers to questions whose networks come back as files, and the checkpoints of fits that last."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers import config, contract
from workers.engine.fit import Means, fit, perform_surgery
from workers.engine.format.spilling import Spill
from workers.engine.networks.surgery_recipe import HeadKind, Recipe
from workers.engine.training.classes import read_class_set
from workers.engine.training.options import FitOptions
from workers.job import find_device, write_patiently
from workers.parts import Asked
from workers.workplaces import open_workplace

# An epoch may take hours: within it, that much work at most is lost with a GPU process.
CHECKPOINT_SECONDS = 300


def cut_network(asked: Asked) -> dict[str, Any]:
    """The options are those of a Recipe but its base. Raises NetworkError, LayerError, RecipeInvalid."""
    stated = asked.request.options
    recipe = Recipe(
        base=asked.network.architecture, **{**stated, "head": HeadKind(stated["head"]), "px": _find_px(asked)}
    )
    told, weights = perform_surgery(asked.network, recipe)
    write_patiently(asked.target, asked.reporter, contract.weights_name(recipe.head), weights)
    return told


def _find_px(asked: Asked) -> int:
    is_fixed = asked.request.options["head"] == HeadKind.FC
    return asked.network.preprocessing.input_px if is_fixed else 0


def fit_network(asked: Asked) -> dict[str, Any]:
    """The options are `images`, a folder, `category` and those of FitOptions. Raises FitInvalid, RecipeInvalid,
    NetworkError, LayerError, ImageSetError.
    """
    stated = asked.request.options
    options = FitOptions.from_json(stated)
    classes = read_class_set(Path(stated["images"]), category=stated.get("category", ""))
    with open_workplace(config.cache_folder() / "fit") as folder:
        means = Means(find_device(), Spill(folder), Keeper(asked), lambda *told: _show(asked, *told))
        fitted = fit(network=asked.network, classes=classes, options=options, means=means)
    for head, weights in fitted.weights.items():
        write_patiently(asked.target, asked.reporter, contract.weights_name(head), weights)
    return fitted.report


def _show(asked: Asked, stage: str, n_done: int, n_total: int) -> None:
    """Runs of a fit are one stage to the eye: their time is not begun anew with each epoch."""
    reporter = asked.reporter
    if reporter.n_total != n_total:
        reporter.begin(stage, n_total=n_total)
    reporter.stage = stage
    reporter.set_done(n_done)


@dataclass(frozen=True)
class Keeper:
    """Where checkpoints of a fit are kept, as files with this ending."""

    asked: Asked
    ending: str = "pt"

    def checkpoint(self, name: str) -> "_Checkpoint":
        return _Checkpoint(self.asked, contract.checkpoint_name(name, ending=self.ending))


@dataclass
class _Checkpoint:
    """In the question's folder: the next attempt finds it there, on whichever machine it runs."""

    asked: Asked
    name: str
    written_at: float = field(default_factory=time.monotonic)

    def read(self) -> bytes | None:
        return self.asked.target.read(self.name) if self.asked.target.exists(self.name) else None

    def write(self, data: bytes) -> None:
        write_patiently(self.asked.target, self.asked.reporter, self.name, data)
        self.written_at = time.monotonic()

    def is_due(self) -> bool:
        return time.monotonic() - self.written_at > CHECKPOINT_SECONDS
