"""What chance gives beside a dissection's detectors (docs/measures.md, Chance): which measurement with random weights
stands beside it, and the counts of both kinds of chance.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.units.models import GIVEN_UP, Dissection, Network, RandomBaseline
from workers.engine.networks.encoder_recipe import ENCODER
from workers.engine.networks.saved import SAVED
from workers.engine.plurals import say_count

SEED = 1
# Options that change neither masks nor labels: dissections that differ in them alone share a baseline.
NOT_OF_COUNTS = (
    "n_top", "n_low", "batch_size", "tile_px", "segment", "seed", "mean_empirical_px", "occluded_images", "exemplars",
    "chance", "rotation_seed", "crops", "dimming", "activation_vectors", "compositions",
)  # fmt: skip
COUNT_NOUNS = {"n_detectors": "detector", "n_unique": "unique detector"}
# The units of a baseline are counted, not shown.
SMALLEST = {
    "n_top": 1, "n_low": 0, "chance": False, "random_weights": SEED, "activation_vectors": False, "compositions": False,
}  # fmt: skip


def find_keys(manifest: dict[str, Any]) -> dict[str, str]:
    """By layer path the key of its baseline; empty if none is asked for or can be.

    A network of which the code alone sets the weights has its digest in the key: its weights are dealt out again. So
    has one with an encoder, which stays as it is. The
    number of classes counts, too: the same seed draws other weights for a classifier of another size.
    """
    stated = manifest["options"]
    is_own = stated["rotation"] or stated.get("random_weights") or not stated.get("chance", True)
    if is_own or not manifest["labels"] or manifest["network"]["architecture"] == SAVED:
        return {}
    return _make_keys(manifest)


def _make_keys(manifest: dict[str, Any]) -> dict[str, str]:
    network = {name: value for name, value in manifest["network"].items() if not name.startswith("weights")}
    is_encoded = network["architecture"].startswith(ENCODER)
    if is_encoded or manifest["network"].get("weights_from") == Network.WeightsFrom.CODE:
        network["weights_sha256"] = manifest["network"]["weights_sha256"]
    options = {name: value for name, value in manifest["options"].items() if name not in NOT_OF_COUNTS}
    images = [manifest["image_set"].get(name) for name in ("sha256", "content_sha256")]
    facts = [SEED, network, images, options]
    return {entry["path"]: _digest([*facts, entry["path"]]) for entry in manifest["layers"]}


def drop_changed(measured_by: Dissection, *, manifest: dict[str, Any], surveyed: dict[str, Any]) -> None:
    """Drops the baselines whose network, images or options are not what was asked for. `surveyed`: what tells the
    network that was loaded from others, before its weights were drawn.
    """
    options = {name: value for name, value in manifest["options"].items() if name != "random_weights"}
    keys = _make_keys({**manifest, "network": {**manifest["network"], **surveyed}, "options": options})
    measured_by.measured_baselines.exclude(key__in=keys.values()).delete()


def list_missing(keys: dict[str, str]) -> list[str]:
    """The layers that no baseline has measured, or is about to measure."""
    known = RandomBaseline.objects.filter(key__in=keys.values()).exclude(measured_by__state__in=GIVEN_UP)
    present = set(known.values_list("key", flat=True))
    return [path for path, key in keys.items() if key not in present]


def choose_options(dissection: Dissection) -> dict[str, Any]:
    """What the measurement with random weights is asked for."""
    kept = {name: value for name, value in dissection.options.items() if name not in NOT_OF_COUNTS}
    return {**kept, **SMALLEST, "batch_size": dissection.options.get("batch_size", 32)}


def register(keys: Mapping[str, str], *, measured_by: Dissection) -> None:
    """The baselines of these layers will be measured by this dissection; two at once make one row per key."""
    given_up = RandomBaseline.objects.filter(key__in=keys.values(), measured_by__state__in=GIVEN_UP)
    given_up.update(measured_by=measured_by)
    RandomBaseline.objects.bulk_create(
        [RandomBaseline(key=key, layer_path=path, measured_by=measured_by) for path, key in keys.items()],
        ignore_conflicts=True,
    )


def link(dissection: Dissection, keys: Mapping[str, str]) -> None:
    """Set these baselines beside the dissection; their counts, too, if they are measured already."""
    dissection.random_baselines.set(RandomBaseline.objects.filter(key__in=keys.values()))
    _write_beside(dissection)


def finish(measured_by: Dissection, *, weights_from: str) -> None:
    """The baseline is measured: its counts are written beside those of the dissections that wait for it."""
    measured_by.measured_baselines.update(weights_from=weights_from)
    waiting = RandomBaseline.dissections.through.objects.filter(randombaseline__measured_by=measured_by)
    for dissection in Dissection.objects.filter(pk__in=waiting.values("dissection")).select_for_update():
        _write_beside(dissection)


def _write_beside(dissection: Dissection) -> None:
    """The counts stand in `detectors`, so that whoever has the dissection has them."""
    done = dissection.random_baselines.filter(measured_by__state=Dissection.State.DONE)
    for row in done.select_related("measured_by"):
        for mode, counts in row.measured_by.detectors[row.layer_path].items():
            found = {**counts, "seed": SEED, "weights_from": row.weights_from}
            dissection.detectors[row.layer_path][mode]["random_weights"] = found
    dissection.save(update_fields=["detectors"])


def find_unfinished(dissection: Dissection) -> Dissection | None:
    """The measurement with random weights that this dissection still waits for."""
    ended = (Dissection.State.DONE, *GIVEN_UP)
    return Dissection.objects.filter(measured_baselines__dissections=dissection).exclude(state__in=ended).first()


def list_own(dissection: Dissection) -> list[Dissection]:
    """The measurements with random weights that stand beside no other dissection."""
    beside = Dissection.objects.filter(measured_baselines__dissections=dissection)
    others = RandomBaseline.dissections.through.objects.exclude(dissection=dissection)
    return list(beside.exclude(measured_baselines__in=others.values("randombaseline")).distinct())


def describe_chance(dissection: Dissection) -> dict[str, dict[str, dict[str, Any]]]:
    """By layer path and mode of IoU, `random_weights` and `shuffled_labels`: n_detectors and n_unique, or None.

    A baseline that is not measured yet, or could not be, has `state` and `error` in place of counts.
    """
    rows = dissection.random_baselines.select_related("measured_by")
    states = {row.layer_path: {"state": row.measured_by.state, "error": row.measured_by.error} for row in rows}
    return {
        path: {
            mode: {
                "random_weights": counts.get("random_weights", states.get(path)),
                "shuffled_labels": counts.get("shuffled_labels"),
            }
            for mode, counts in modes.items()
        }
        for path, modes in dissection.detectors.items()
    }


@dataclass(frozen=True)
class Count:
    """Of one layer in one mode of IoU, beside what chance gives; those two are words if there is no count."""

    n: int
    noun: str
    interval: Sequence[float] | None
    random_weights: str
    shuffled_labels: str


def list_counts(dissection: Dissection) -> dict[str, dict[str, list[Count]]]:
    """By layer path and mode of IoU: detectors, then unique detectors."""
    by_chance = describe_chance(dissection)
    return {
        path: {
            mode: [
                Count(counts[name], noun, counts.get(f"{name}_interval"), *_tell_chance(by_chance[path][mode], name))
                for name, noun in COUNT_NOUNS.items()
            ]
            for mode, counts in modes.items()
        }
        for path, modes in dissection.detectors.items()
    }


def print_counts(dissection: Dissection) -> dict[str, list[str]]:
    """By layer path two lines per mode of IoU: detectors and unique detectors, each beside what chance gives."""
    return {
        path: [
            f"{say_count(one.n, one.noun)} ({mode}){print_interval(one.interval)}; "
            f"by chance random weights {one.random_weights}, labels shuffled {one.shuffled_labels}."
            for mode, counts in modes.items()
            for one in counts
        ]
        for path, modes in list_counts(dissection).items()
    }


def print_chance(by_chance: Mapping[str, Any], name: str) -> str:
    """Of one count, such as "random weights 12, labels shuffled 3"."""
    return "random weights {}, labels shuffled {}".format(*_tell_chance(by_chance, name))


def _tell_chance(by_chance: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Of one count, such as "12" and "3": with random weights, and with labels shuffled."""
    random, shuffled = by_chance["random_weights"], by_chance["shuffled_labels"]
    if random is None:
        drawn = "not measured"
    elif name in random:
        drawn = str(random[name])
    else:
        drawn = f"not measured ({(random['error'] or random['state']).rstrip('.')})"
    return drawn, str(shuffled[name]) if shuffled else "not counted"


def print_interval(interval: Sequence[float] | None) -> str:
    return f" [{interval[0]:.0f}, {interval[1]:.0f}]" if interval else ""


def _digest(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
