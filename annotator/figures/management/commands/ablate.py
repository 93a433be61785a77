"""Sets units to zero and measures what a class and all others lose: do the units of large share matter?"""

import json
import os.path
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.figures.ablation import ORDERS, draw_ablation
from annotator.figures.drawing import save_figure
from annotator.units.gpu_process import gpu_process_if_none
from annotator.written import print_bounds
from workers.engine.plurals import say_count

EXAMPLE = """

For each class, the n units of largest mean share in its score are set to zero, then the n of smallest, then n at
random. An image's own shares never decide which units are taken from it.

example: manage.py ablate --network torchvision:squeezenet1_1 --weights FILE.safetensors \\
    --images DIR --classes index.csv --out figures/
"""


class Command(ProjectCommand):
    help = "Set units to zero and say what accuracy a class loses, and the others." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        add = parser.add_argument
        add("--images", required=True, metavar="DIR", help="folder of the photographs")
        add(
            "--classes", default="", metavar="FILE",
            help="CSV with the columns image, class_index; default: what the network says with all units",
        )  # fmt: skip
        add("--layer", default="", help="of the units; default: the one that the head pools. Others take longer")
        add(
            "--count", dest="counts", type=int, action="append", default=[], metavar="N",
            help="units set to zero; several times for several. Default: 1, 2, 5, 10, ... and all",
        )  # fmt: skip
        add("--random", type=int, default=10, metavar="N", help="random orders of units that are averaged; default: 10")
        add("--others", type=int, default=20, metavar="N", help="photographs of other classes per class; default: 20")
        add("--least", type=int, default=3, metavar="N", help="photographs that a class has at least; default: 3")
        add("--seed", type=int, default=0, help="of the random orders; default: 0")
        add("--out", type=Path, metavar="DIR", help="draw the figures there: all classes, and one for each")
        add("--json", action="store_true", help="print all of it; accuracies are shares")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {
            "images": asking.resolve_images(options["images"]),
            "classes": _find_file(options["classes"]),
            "layer": options["layer"],
            "asked": _read_numbers(options),
        }
        with gpu_process_if_none() as keeper:
            question = asking.ask_to_ablate(network=read_network(options), options=asked, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show, look_after=keeper.look_after)
        figures = list(draw_ablation(answer)) if options["out"] else []
        for figure in figures:
            save_figure(figure, folder=options["out"])
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else "\n".join(_tell(answer)))


def _find_file(name: str) -> str:
    if name and not os.path.isfile(name):
        raise CommandError(f"There is no file of classes at {name}.", returncode=2)
    return asking.resolve_path(Path(name)) if name else ""


def _read_numbers(options: dict[str, Any]) -> dict[str, Any]:
    least = {"random": 1, "others": 0, "least": 2, "seed": 0}
    for name, bound in least.items():
        if options[name] < bound:
            raise CommandError(f"--{name} is {bound} or more.", returncode=2)
    return {
        "counts": options["counts"],
        "n_random": options["random"],
        "n_others": options["others"],
        "n_least": options["least"],
        "seed": options["seed"],
    }


def _tell(answer: Mapping[str, Any]) -> Iterator[str]:
    own, others = answer["own"], answer["others"]
    yield (
        f"{say_count(answer['n_units'], 'unit')} of {answer['layer']}, shares by {answer['by']}; "
        f"{say_count(len(answer['classes']), 'class')} by {answer['classes_by']}, {own['n_images']} of their "
        f"photographs and {others['n_images']} of others."
    )
    yield "Accuracy in % [95 %] without n units, those of largest, of smallest mean share, and at random:"
    for place, n in enumerate([0, *answer["counts"]]):
        for words, part in (("class", own), ("others", others)):
            shown = "  ".join(f"{order} {_spell(part['curves'][order][place])}" for order in ORDERS)
            yield f"  {n:5d} {words:6s}  {shown}"
    yield "What the units of largest share cost the class more than random ones, in points [95 % over photographs]:"
    for cost in answer["costs"]:
        low, high = (cost[name] and 100 * cost[name] for name in ("low", "high"))
        yield f"  {cost['n']:5d}  {100 * cost['difference']:+6.1f} {print_bounds(low, high, '+.1f')}  p {cost['p']:.3f}"


def _spell(point: Mapping[str, Any]) -> str:
    if point["value"] is None:
        return "–"
    value, low, high = (100 * point[name] for name in ("value", "low", "high"))
    return f"{value:5.1f} [{low:.1f}, {high:.1f}]"
