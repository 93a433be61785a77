"""Measures how well a network's class maps find the objects of a set with boxes or masks."""

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
from workers.contract import LOCALIZED_IMAGES

EXAMPLE = """

Whole photographs are resized to the network's input. Every score has a 95 % interval over images. Boxes that know
nothing of the photograph stand beside the network's.

example: manage.py localize --network torchvision:squeezenet1_1 --weights FILE.safetensors \\
    --images DIR --boxes boxes.csv
"""


class Command(ProjectCommand):
    help = "Say how well the class maps of a network's head find the objects of a set with boxes or masks." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        parser.add_argument(
            "--images", required=True, metavar="DIR", help="the photographs: a folder or s3:// prefix"
        )  # fmt: skip
        truth = parser.add_mutually_exclusive_group(required=True)
        truth.add_argument(
            "--boxes", type=Path, metavar="FILE",
            help="CSV (image, class_index, width, height, x0, y0, x1, y1), COCO JSON, wsolevaluation's folder, or "
            "ILSVRC's folder of XML files",
        )  # fmt: skip
        truth.add_argument(
            "--masks", type=Path, metavar="FILE",
            help="masks of the objects in the place of boxes, below --images: CSV (image, class_index, mask, ignore) "
            "or wsolevaluation's folder",
        )  # fmt: skip
        parser.add_argument(
            "--tau-from", type=Path, metavar="FILE",
            help="boxes of other photographs, on which the thresholds of V1 and V2 are chosen; default: on those that "
            "are scored, as published",
        )  # fmt: skip
        parser.add_argument(
            "--tau-images", metavar="DIR", help="the photographs of --tau-from; default: those of --images"
        )  # fmt: skip
        parser.add_argument(
            "--shard-images", type=int, default=0, metavar="N",
            help=f"photographs of one GPU task, in whole batches; default: {LOCALIZED_IMAGES}. It changes no score",
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
        asked = _read_options(options)
        with gpu_process_if_none() as keeper:
            question = asking.ask_to_localize(network=read_network(options), options=asked, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show, look_after=keeper.look_after)
        if report is not None:
            _write(report, render_report(question))
        if options["json"]:
            self.stdout.write(json.dumps({**answer, "published": read_published(LOCALIZATION)}, indent=2))
        else:
            scores = [f"{value}  {words}" for value, words in tell_scores(answer)]
            self.stdout.write("\n".join([tell_counts(answer), *scores, *tell_published(LOCALIZATION)]))


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    """The question's. Raises CannotAsk, CommandError."""
    if options["shard_images"] < 0:
        raise CommandError("--shard-images is 1 or more.", returncode=2)
    if options["tau_images"] and not options["tau_from"]:
        raise CommandError("--tau-images are the photographs of --tau-from: name that file, too.", returncode=2)
    if options["tau_from"] and options["masks"]:
        raise CommandError("--tau-from goes with --boxes: PxAP takes all thresholds.", returncode=2)
    truth = "masks" if options["masks"] else "boxes"
    asked: dict[str, Any] = {
        "images": asking.resolve_images(options["images"]),
        truth: asking.resolve_path(options[truth]),
    }
    if options["tau_from"]:
        asked["tau_boxes"] = asking.resolve_path(options["tau_from"])
        asked["tau_images"] = asking.resolve_images(options["tau_images"]) if options["tau_images"] else ""
    if options["shard_images"]:
        asked["shard_images"] = options["shard_images"]
    return asked


def _write(report: Path, page: str) -> None:
    try:
        report.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"The report cannot be written to {report}: {error.strerror}.") from None
