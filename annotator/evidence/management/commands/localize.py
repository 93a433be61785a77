"""Measures how well a network's class maps find the objects of a set with boxes."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.units.gpu_process import gpu_process_if_none
from workers import contract

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
            with _drawn() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show)
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else "\n".join(_tell(answer)))


class _drawn:
    """A bar of progress on stderr while the block runs."""

    def __enter__(self) -> "_drawn":
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bars = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self.bars.start()
        self.bar = self.bars.add_task("", total=None)
        return self

    def __call__(self, word: contract.Progress) -> None:
        self.bars.update(self.bar, description=word.stage, completed=word.n_done, total=word.n_total or None)

    def __exit__(self, *_: object) -> None:
        self.bars.stop()


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
