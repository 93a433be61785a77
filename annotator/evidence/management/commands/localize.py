"""Measures how well a network's class maps find the objects of a set with boxes."""

import json
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.localization_report import render_report, tell_counts, tell_scores
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.evidence.published_figures import LOCALIZATION, read_published, tell_published
from annotator.units.gpu_process import gpu_process_if_none

EXAMPLE = """

Whole photographs are resized to the network's input. Every score has a 95 % interval over images. Boxes that know
nothing of the photograph stand beside the network's.

example: manage.py localize --network torchvision:squeezenet1_1 --weights FILE.safetensors \\
    --images DIR --boxes boxes.csv
"""


class Command(ProjectCommand):
    help = "Say how well the class maps of a network's head find the objects of a set with boxes." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        parser.add_argument("--images", required=True, type=Path, metavar="DIR", help="folder of the photographs")
        parser.add_argument(
            "--boxes", required=True, type=Path, metavar="FILE",
            help="CSV (image, class_index, width, height, x0, y0, x1, y1), COCO JSON, wsolevaluation's folder, or "
            "ILSVRC's folder of XML files",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print all of it; shares are percentages")
        parser.add_argument(
            "--report", type=Path, metavar="FILE.html",
            help="also write a page with the scores and the photographs where the boxes are worst and best",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        report: Path | None = options["report"]
        if report is not None and not report.resolve().parent.is_dir():
            raise CommandError(f"There is no folder {report.parent} for the report.")
        asked = {name: asking.resolve_path(options[name]) for name in ("images", "boxes")}
        with gpu_process_if_none() as keeper:
            question = asking.ask_to_localize(network=read_network(options), options=asked, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show, look_after=keeper.look_after)
        if report is not None:
            _write(report, render_report(answer, network=options["network"], folder=options["images"]))
        if options["json"]:
            self.stdout.write(json.dumps({**answer, "published": read_published(LOCALIZATION)}, indent=2))
        else:
            scores = [f"{value}  {words}" for value, words in tell_scores(answer)]
            self.stdout.write("\n".join([tell_counts(answer), *scores, *tell_published(LOCALIZATION)]))


def _write(report: Path, page: str) -> None:
    try:
        report.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"The report cannot be written to {report}: {error.strerror}.") from None
