"""Measures how much each unit adds to what the network says over an image set, and keeps it beside the labels."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.models import Question
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.evidence.units_behind import name_listed
from annotator.evidence.weighing import Kept, keep_importance, name_images
from annotator.units.asked_options import LABELS_HELP
from annotator.units.gpu_process import gpu_process_if_none
from annotator.units.sources import resolve_labels_at
from workers.engine.drawing.explanation import name_unit, tell_labels
from workers.engine.plurals import say_count

N_TOLD = 10
EXAMPLE = """

Importance is the mean absolute share of a unit in the score of the class that the network puts first. The gallery can
be sorted by it, and `launch --top-importance` asks people about these units.

example: manage.py importance --network torchvision:squeezenet1_1 --weights FILE.safetensors --images DIR
"""


class Command(ProjectCommand):
    help = "Measure how much each unit adds to what a network says over an image set; keep it beside labels." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        parser.add_argument("--images", required=True, metavar="DIR", help="the image set: a folder or s3:// prefix")
        parser.add_argument("--labels", default="", metavar="PATH", help=LABELS_HELP)
        parser.add_argument(
            "--layer", action="append", default=[], metavar="PATH",
            help="of the units; several times for several. Default: the layer that the head pools, where shares are "
            "exact; elsewhere they are by gradients",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print all of it")

    def handle(self, *args: Any, **options: Any) -> None:
        images = asking.resolve_images(options["images"])
        labels = resolve_labels_at(images, options["labels"])
        asked = {"images": images, "labels": labels, "layers": options["layer"] or [""]}
        with gpu_process_if_none() as keeper:
            question = asking.ask_about_importance(network=read_network(options), options=asked, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show, look_after=keeper.look_after)
        kept = keep_importance(answer, question=question, images=name_images(images, labels))
        named = [{**found, "units": _list_units(answer, found, question)} for found in answer["layers"]]
        told = {**answer, "layers": named}
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else "\n".join(_tell(told, kept)))


def _list_units(answer: dict[str, Any], found: Mapping[str, Any], question: Question) -> list[dict[str, Any]]:
    """Every unit with what is known of it, the most important first; ties by index."""
    values = found["importance"]
    ranked = sorted(range(len(values)), key=lambda unit: (-values[unit], unit))
    units = [{"index": i, "importance": values[i], "mean_share": found["mean_share"][i]} for i in ranked]
    return name_listed(units, answer=answer, found=found, question=question)


def _tell(answer: Mapping[str, Any], kept: Sequence[Kept]) -> Iterator[str]:
    for found, place in zip(answer["layers"], kept, strict=True):
        unreadable = f", {found['n_unreadable']} unreadable" if found["n_unreadable"] else ""
        images = f"{say_count(found['n_images'], 'image')}{unreadable}"
        yield f"{found['layer']}: {say_count(found['n_units'], 'unit')} over {images}, by {found['by']}."
        for unit in found["units"][:N_TOLD]:
            labels = tell_labels(unit)
            yield (
                f"  {unit['importance']:8.4f}  unit {unit['index']}: {name_unit(unit)}"
                + (f" ({labels})" if labels else "")
            )
        yield _tell_kept(place)


def _tell_kept(kept: Kept) -> str:
    if not kept.layers:
        return f"Not kept: nobody has dissected {kept.path} of this network yet. Run `dissect`, then this again."
    return f"Kept beside the units of {', '.join(layer.path for layer in kept.layers)}."
