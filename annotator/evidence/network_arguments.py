"""How commands name the network that they ask, and the head that they give it."""

from typing import Any

from django.core.management.base import CommandParser

from annotator.evidence.asking import AskedNetwork
from annotator.json_texts import json_argument
from annotator.units.registering import fill_registered
from annotator.units.sources import resolve_architecture
from workers.engine.networks.source_names import NETWORK_FORMS
from workers.engine.networks.surgery_recipe import HeadKind


def add_network_arguments(parser: CommandParser) -> None:
    parser.add_argument("--network", required=True, help=f"a registered network's name, {NETWORK_FORMS}")
    parser.add_argument("--weights", default="", help=".safetensors or .pth; a file or s3://; none: random weights")
    parser.add_argument("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")


def add_head_arguments(parser: CommandParser, *, is_repeated: bool) -> None:
    kinds, words = [one.value for one in HeadKind], "mean of each map, its largest value, or all its cells"
    if is_repeated:
        parser.add_argument("--head", action="append", choices=kinds, help=f"{words}; several times for several")
    else:
        parser.add_argument("--head", choices=kinds, default="gap", help=f"{words}; default: gap")
    parser.add_argument("--convolutions", type=int, default=1, help="of 3 x 3, before the head: 0, 1 or 2; default: 1")
    parser.add_argument("--units", type=int, default=1024, help="of each convolution; default: 1024")


def read_network(options: dict[str, Any]) -> AskedNetwork:
    """By address, or what is registered under the name. Raises CannotRegister."""
    stated = fill_registered(options)
    architecture = resolve_architecture(stated["network"])
    return AskedNetwork(architecture, stated["weights"], stated["preprocessing"], stated["code_folder"])
