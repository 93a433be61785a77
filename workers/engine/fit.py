"""Fit: teach networks that surgery makes the classes of a set of photographs, and say how often they err.

[ZKLOT16] 3.1; docs/evidence.md, Fit. Each head is taught `seeds` times; of each, the run with the lowest loss on the
validation part is the network that is kept.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.format.spilling import Spill
from workers.engine.networks.checkpoints import CLASSES
from workers.engine.networks.loading import MEMORY_FORMAT, LoadedNetwork
from workers.engine.networks.surgery import HEAD, Body, count_parameters, cut, operate
from workers.engine.networks.surgery_recipe import SURGERY, HeadKind, Recipe
from workers.engine.plurals import say_count
from workers.engine.training.classes import ClassSet, Split, split
from workers.engine.training.evaluation import compare, describe_errors, rank_true
from workers.engine.training.learning import Checkpoint, Examples, Learned, Run, copy_module, learn, score_all
from workers.engine.training.options import FitInvalid, FitOptions
from workers.engine.training.sources import Pixels, Source, keep_maps

Progress = Callable[[str, int, int], None]
MAX_NAMED = 10


class Keeper(Protocol):
    """Where runs are kept by name while a fit lasts: checkpoints, and results of runs that have ended."""

    def checkpoint(self, name: str) -> Checkpoint: ...


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves: `report` as docs/evidence.md lists it, and the weights of each head as a safetensors file."""

    report: dict[str, Any]
    weights: dict[HeadKind, bytes]


@dataclass(frozen=True)
class Means:
    """How the work is done, without effect on what comes of it."""

    device: str
    spill: Spill
    keeper: Keeper
    progress: Progress


def fit(*, network: LoadedNetwork, classes: ClassSet, options: FitOptions, means: Means) -> Fitted:
    """Raises FitInvalid, RecipeInvalid, NetworkError, LayerError, ImageSetError."""
    recipes = choose_recipes(network, options, n_classes=len(classes.names))
    body = cut(network.module, layer=recipes[0].layer, input_px=network.preprocessing.input_px)
    classes, unreadable = _without_unreadable(network, classes, means)
    parts, pixels = split(classes), _open_pixels(network, classes, means)
    source = pixels if options.is_whole else _keep(pixels, body, options, means)
    bench = _Bench(network, classes, parts, options, means, source, n_runs=len(recipes) * options.seeds)
    runs = {
        recipe: [bench.run(recipe, seed, place=place * options.seeds + seed) for seed in range(options.seeds)]
        for place, recipe in enumerate(recipes)
    }
    heads = {recipe: _judge(bench, recipe, runs[recipe], body) for recipe in recipes}
    errors = {recipe.head.value: np.mean([run.ranks > 0 for run in runs[recipe]], axis=0) for recipe in recipes}
    report = {
        "preprocessing": network.preprocessing.to_json(),
        "n_classes": len(classes.names),
        "n_training": len(parts.training),
        "n_validation": len(parts.validation),
        "n_test": len(parts.test),
        "n_unreadable": len(unreadable),
        "unreadable": dict(list(unreadable.items())[:MAX_NAMED]),
        "heads": [told for told, _ in heads.values()],
        "compared": compare(errors),
    }
    return Fitted(report, {recipe.head: weights for recipe, (_, weights) in heads.items()})


def _without_unreadable(network: LoadedNetwork, classes: ClassSet, means: Means) -> tuple[ClassSet, dict[str, str]]:
    """The photographs that can be decoded, and why others cannot."""
    n = len(classes.paths)
    found = _open_pixels(network, classes, means).list_unreadable(
        lambda n_done: means.progress("reading the photographs", n_done, n)
    )
    return classes.without(found) if found else classes, found


def _judge(bench: "_Bench", recipe: Recipe, runs: Sequence["_Ended"], body: Body) -> tuple[dict[str, Any], bytes]:
    """What is told of one head, and the weights of its best run."""
    best = min(range(len(runs)), key=lambda seed: runs[seed].learned.validation_loss)
    whole = bench.assemble(recipe, runs[best].learned)
    test = bench.classes.labels[bench.parts.test]
    told = {
        **describe_cut(whole, recipe, body, input_px=bench.network.preprocessing.input_px),
        "seeds": [_describe_run(seed, run) for seed, run in enumerate(runs)],
        "kept_seed": best,
        **describe_errors([run.ranks for run in runs], test, bench.classes.names),
    }
    return told, _pack(whole, bench.classes.names)


def perform_surgery(network: LoadedNetwork, recipe: Recipe) -> tuple[dict[str, Any], bytes]:
    """What surgery makes of the network, in figures, and its weights as a safetensors file: its own up to the cut, and
    those of the head drawn by seed 0. Raises NetworkError, LayerError.
    """
    px = network.preprocessing.input_px
    body = cut(network.module, layer=recipe.layer, input_px=px)
    whole = attach(network, recipe, seed=0)
    told = describe_cut(whole, recipe, body, input_px=px)
    told["parameters_before"] = count_parameters(network.module, input_px=px)
    return {**told, "preprocessing": network.preprocessing.to_json()}, _pack(whole, ())


def choose_recipes(network: LoadedNetwork, options: FitOptions, *, n_classes: int) -> list[Recipe]:
    """One for each head. Raises FitInvalid, RecipeInvalid."""
    px = network.preprocessing.input_px
    if network.architecture.startswith(SURGERY):
        if options.layer:
            raise FitInvalid("The network was cut already; leave out --layer and --head.")
        own = Recipe.parse(network.architecture)
        return [replace(own, classes=n_classes)]
    if not options.layer:
        raise FitInvalid("Say with --layer after which layer the network is cut, or give one that surgery made.")
    return [
        Recipe(
            base=network.architecture, layer=options.layer, head=head, convolutions=options.convolutions,
            units=options.units, classes=n_classes, px=px if head is HeadKind.FC else 0,
        )
        for head in options.heads or (HeadKind.GAP,)
    ]  # fmt: skip


def describe_cut(whole: nn.Module, recipe: Recipe, body: Body, *, input_px: int) -> dict[str, Any]:
    """Architecture, maps at the cut and parameters."""
    return {
        "head": recipe.head.value,
        "architecture": recipe.name,
        "layer": recipe.layer,
        "maps": list(body.shape),
        "convolutions": recipe.convolutions,
        "units": recipe.units,
        "n_classes": recipe.classes,
        "parameters": count_parameters(whole, input_px=input_px),
        "parameters_head": sum(one.numel() for one in getattr(whole, HEAD).parameters()),
    }


@dataclass(frozen=True)
class _Ended:
    """A run that has ended: what it learned, and the rank of the true class for each photograph of the test part."""

    learned: Learned
    ranks: NDArray[np.int64]


@dataclass(frozen=True)
class _Bench:
    """What all runs of a fit share."""

    network: LoadedNetwork
    classes: ClassSet
    parts: Split
    options: FitOptions
    means: Means
    source: Source
    n_runs: int

    def run(self, recipe: Recipe, seed: int, *, place: int) -> _Ended:
        """The run at this place of all runs."""
        module = self._choose_part(attach(self.network, recipe, seed=seed))
        n_all = self.n_runs * self.options.epochs

        def show(run: Run) -> None:
            n_steps = -(-len(self.parts.training) // self.options.batch_size)
            error = "" if run.best_epoch < 0 else f", lowest validation error {100 * run.best_error:.1f} %"
            stage = f"{recipe.head}, seed {seed}, epoch {run.epoch + 1} of {self.options.epochs}{error}"
            self.means.progress(stage, (place * self.options.epochs + run.epoch) * n_steps + run.step, n_all * n_steps)

        learned = learn(
            module,
            Examples(self.source, self.classes.labels, self.parts.training, self.parts.validation),
            self.options,
            seed=seed,
            checkpoint=self.means.keeper.checkpoint(f"{recipe.head}-{seed}-{self._key(recipe)}"),
            progress=show,
        )
        scores = score_all(module, self.source, self.parts.test, size=self.options.batch_size)
        return _Ended(learned, rank_true(scores, self.classes.labels[self.parts.test]))

    def assemble(self, recipe: Recipe, learned: Learned) -> nn.Module:
        whole = attach(self.network, recipe, seed=0)
        self._choose_part(whole).load_state_dict(learned.state)
        return whole

    def _choose_part(self, whole: nn.Module) -> nn.Module:
        """What learns."""
        return whole if self.options.is_whole else whole.get_submodule(HEAD)

    def _key(self, recipe: Recipe) -> str:
        """Digest of all that a run depends on: a checkpoint of another network, set or fit is not taken up."""
        stated = [self.network.describe(), self.classes.sha256, self.classes.paths, self.classes.labels.tolist()]
        given = [recipe.name, {**asdict(self.options), "seeds": 0, "heads": ()}]
        return hashlib.sha256(json.dumps([*stated, *given], sort_keys=True).encode()).hexdigest()[:16]


def attach(network: LoadedNetwork, recipe: Recipe, *, seed: int) -> nn.Module:
    """A copy of the network with the recipe's head, drawn by the seed; what the network's own head has of the same
    shape is kept.
    """
    copied = copy_module(network.module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        operated = operate(copied, recipe, input_px=network.preprocessing.input_px)
    device = next((one.device for one in network.module.parameters()), torch.device("cpu"))
    whole: nn.Module = operated.to(device=device, memory_format=MEMORY_FORMAT)  # type: ignore[call-overload]
    if network.architecture.startswith(SURGERY):
        own, drawn = network.module.get_submodule(HEAD).state_dict(), whole.get_submodule(HEAD).state_dict()
        fitting = {key: one for key, one in own.items() if key in drawn and drawn[key].shape == one.shape}
        whole.get_submodule(HEAD).load_state_dict(fitting, strict=False)
    return whole


def _open_pixels(network: LoadedNetwork, classes: ClassSet, means: Means) -> Pixels:
    return Pixels(classes.root, classes.paths, network.preprocessing, means.device)


def _keep(pixels: Pixels, body: Body, options: FitOptions, means: Means) -> Source:
    n = len(pixels.paths)
    return keep_maps(
        pixels,
        body=body.module, shape=body.shape, mirrors=options.mirrors, spill=means.spill,
        progress=lambda n_done: means.progress(f"computing the maps of {say_count(n, 'photograph')}", n_done, n),
    )  # fmt: skip


def _describe_run(seed: int, run: _Ended) -> dict[str, Any]:
    learned = run.learned
    return {
        "seed": seed,
        "n_epochs": learned.n_epochs,
        "best_epoch": learned.best_epoch + 1,
        "validation_error": learned.validation_error,
        "top1_error": float((run.ranks > 0).mean()),
    }


def _pack(whole: nn.Module, names: Sequence[str]) -> bytes:
    from safetensors.torch import save

    tensors = {key: one.detach().to("cpu").contiguous() for key, one in whole.state_dict().items()}
    return save(tensors, metadata={CLASSES: json.dumps(list(names))})
