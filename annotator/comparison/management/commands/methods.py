"""`manage.py methods --network NAME`: which methods describe its units, and how they agree."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from annotator.commanding import ProjectCommand
from annotator.comparison.method_figures import LayerMethods, MethodFigures, MethodPair, describe_methods
from annotator.comparison.tables import lay_out
from annotator.refusals import Refusal
from annotator.units.models import Network
from annotator.written import NO_INTERVAL
from workers.engine.plurals import say_count
from workers.engine.resampling import Estimate

ALL_LAYERS = "all layers"


class NothingDescribed(Refusal):
    """No such network or layer, or no method says anything about its units."""


class Command(ProjectCommand):
    help = (
        "Prints, for each layer of a network, the methods that describe its units (people and labeled pixels among "
        "them), their mean scores, how often two of them use the same word beside chance, and how two raters agree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--network", metavar="NAME", required=True, help="Whose units")
        parser.add_argument("--layer", metavar="PATH", help="Only this layer")
        parser.add_argument("--json", action="store_true", help="Print all figures as JSON")

    def handle(self, *args: Any, network: str, layer: str | None, **options: Any) -> None:
        found = _find_methods(network, layer)
        if options["json"]:
            self.stdout.write(json.dumps({path: asdict(methods) for path, methods in found.items()}, indent=1))
            return
        self.stdout.write("\n\n".join(_print_layer(path, methods) for path, methods in found.items()))


def _find_methods(network: str, path: str | None) -> dict[str, LayerMethods]:
    """By layer, if any method says something there; of several layers, also together."""
    known = Network.objects.filter(name=network).first()
    if known is None:
        raise NothingDescribed(f"There is no network {network}.")
    layers = [layer for layer in known.layers.all() if path in (None, layer.path)]
    if path and not layers:
        names = ", ".join(known.layers.values_list("path", flat=True)) or "none"
        raise NothingDescribed(f"Network {network} has no layer {path}; its layers: {names}.")
    units = {layer.path: list(layer.units.values_list("pk", flat=True)) for layer in layers}
    found = {name: methods for name, ids in units.items() if (methods := describe_methods(ids)).methods}
    if len(found) > 1:
        found[ALL_LAYERS] = describe_methods([unit for name in found for unit in units[name]])
    if not found:
        raise NothingDescribed(f"No method describes units of {network}. Import some (import_descriptions).")
    return found


def _print_layer(path: str, found: LayerMethods) -> str:
    methods = [("method", "units", "mean score", "95 %", "score"), *(_list_method(one) for one in found.methods)]
    pairs = [
        ("one method", "another", "units", "share a word %", "95 %", "by chance %", "p"),
        *(_list_pair(one) for one in found.pairs),
    ]
    raters = [_say_raters(one) for one in found.methods if one.raters]
    parts = [path, *lay_out(methods), *(["", *lay_out(pairs)] if found.pairs else []), *raters]
    return "\n".join(parts)


def _list_method(one: MethodFigures) -> tuple[str, ...]:
    return one.name, f"{one.n_units:,}", _say(one.score, 4), _say_interval(one.score, 4), one.score_name


def _list_pair(pair: MethodPair) -> tuple[str, ...]:
    shared = pair.shared
    share = Estimate(*(value and 100 * value for value in (shared.share.value, shared.share.low, shared.share.high)))
    figures = (_say(share, 1), _say_interval(share, 1), f"{100 * shared.chance:.1f}", f"{shared.p:.3f}")
    return pair.first, pair.second, f"{shared.n_units:,}", *figures


def _say_raters(one: MethodFigures) -> str:
    assert one.raters is not None
    found = one.raters
    return (
        f"{one.name}: the ratings of two raters correlate by {_say(found.correlation, 2)} "
        f"({_say_interval(found.correlation, 2)}) over {say_count(found.n_units, 'unit')}, their ranks by "
        f"{found.rank_correlation:.2f}."
    )


def _say(estimate: Estimate, n_digits: int) -> str:
    return "" if estimate.value is None else f"{estimate.value:.{n_digits}f}"


def _say_interval(estimate: Estimate, n_digits: int) -> str:
    if estimate.value is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return NO_INTERVAL
    return f"{estimate.low:.{n_digits}f} to {estimate.high:.{n_digits}f}"
