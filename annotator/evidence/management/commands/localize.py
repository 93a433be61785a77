"""Measures how well a network's class maps find the objects of a set with boxes."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.evidence.published_figures import LOCALIZATION, read_published, tell_published
from annotator.units.gpu_process import gpu_process_if_none

ROWS = (
    ("top1", "top-1 class"),
    ("top5", "top-5 class"),
    ("gt_known", "true class, box by `paper`"),
    ("top1_localization", "top-1 localization"),
    ("top5_localization", "top-5 localization"),
    ("top5_authors", "top-5 localization, the authors' guesses"),
    ("v1", "MaxBoxAcc V1"),
    ("v2", "MaxBoxAcc V2"),
    ("centre_box", "center box, .8 of the side"),
    ("centre_gaussian_v2", "centered Gaussian, V2"),
    ("off_centre_gt_known", "true class, `paper`, where the center box fails"),
)
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

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {name: str(options[name].resolve()) for name in ("images", "boxes")}
        with gpu_process_if_none():
            question = asking.ask_to_localize(network=read_network(options), options=asked, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show)
        if options["json"]:
            self.stdout.write(json.dumps({**answer, "published": read_published(LOCALIZATION)}, indent=2))
        else:
            self.stdout.write("\n".join([*_tell(answer), *tell_published(LOCALIZATION)]))


def _tell(answer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{answer['n_images']} photographs, {answer['n_off_centre']} of them off-centre, "
        f"{answer['n_unreadable']} unreadable; maps of {answer['head']['layer']}."
    ]
    for name, words in ROWS:
        if answer[name] is None:
            lines.append(f"    –              {words}: there are no such photographs")
            continue
        tau = f", tau {answer[f'{name}_tau']:.2f} chosen on these photographs" if f"{name}_tau" in answer else ""
        lines.append(f"{answer[name]:5.1f} [{answer[f'{name}_low']:.1f}, {answer[f'{name}_high']:.1f}]  {words}{tau}")
    return lines
