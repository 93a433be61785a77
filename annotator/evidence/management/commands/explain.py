"""Explains one photograph: what the network predicts, where it sees it, and which units make each score."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.crops import find_crops
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.evidence.units_behind import name_units
from annotator.units.gpu_process import gpu_process_if_none
from workers.engine.drawing.explanation import draw_explanation, name_unit, tell_labels
from workers.engine.evidence import names

EXAMPLE = """

example: manage.py explain --network torchvision:squeezenet1_1 --weights FILE.safetensors photo.jpg --picture why.png
"""


class Command(ProjectCommand):
    help = "Say what a network predicts for a photograph, where it sees it, and which units make each score." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        parser.add_argument("file", type=Path, help="the photograph, at most 10 MiB")
        parser.add_argument(
            "--method", choices=names.MAPS, default=names.CAM, help="how class maps are made; default: cam"
        )
        parser.add_argument("--layer", default="", help="of the maps; default: the layer that the head pools")
        parser.add_argument(
            "--boxes", choices=names.BOXES, default=names.PAPER, help="how boxes are made; default: paper"
        )
        parser.add_argument(
            "--class", dest="classes", type=int, action="append", default=[], metavar="INDEX",
            help="explain this class in place of the five of highest score; several times for several",
        )  # fmt: skip
        parser.add_argument("--picture", type=Path, metavar="FILE.png", help="draw the explanation")
        parser.add_argument("--json", action="store_true", help="print all of it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["picture"] and options["picture"].suffix.lower() != ".png":
            raise CommandError("--picture takes a name that ends with .png.", returncode=2)
        if options["picture"] and not options["picture"].absolute().parent.is_dir():
            raise CommandError(f"There is no folder {options['picture'].absolute().parent}.", returncode=2)
        photograph = asking.Photograph.read(options["file"])
        asked = {name: options[name] for name in ("method", "layer", "boxes", "classes")}
        with gpu_process_if_none() as keeper:
            question = asking.ask_to_explain(
                network=read_network(options), photograph=photograph, options=asked, now=timezone.now()
            )
            found = asking.wait_for_answer(question, clock=timezone.now, look_after=keeper.look_after)
            answer = name_units(found, question=question)
            if options["picture"]:
                crops, missing = find_crops(answer, look_after=keeper.look_after)
                _write(options["picture"], draw_explanation(answer, photograph=photograph.content, crops=crops))
                if missing:
                    self.stderr.write(f"The picture lacks crops. {missing}")
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else "\n".join(_tell(answer)))


def _write(path: Path, picture: bytes) -> None:
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=2) from None


def _tell(answer: Mapping[str, Any]) -> list[str]:
    lines = [_tell_layer(answer)]
    for prediction in answer["predictions"]:
        x0, y0, x1, y1 = prediction["box"]
        probability = prediction["probability"]
        surely = "" if probability is None else f"probability {probability:.3f}, "
        lines.append(
            f"{prediction['label']} ({prediction['class_index']}): {surely}score "
            f"{prediction['logit']:.2f}, box {x0:.0f} {y0:.0f} {x1:.0f} {y1:.0f}. {prediction['box_note']}".rstrip()
        )
        lines += [
            f"  {unit['contribution']:+8.3f}  unit {unit['index']}: {name_unit(unit)}"
            + (f" ({tell_labels(unit)})" if tell_labels(unit) else "")
            for unit in prediction["units"]
        ]
        if prediction["units"]:
            lines.append(f"  {prediction['rest']:+8.3f}  all other units; bias {prediction['bias']:+.3f}")
    return lines


def _tell_layer(answer: Mapping[str, Any]) -> str:
    size = "{width} x {height} px".format(**answer["photograph"])
    by = f"{answer['method']} at {answer['layer']}, boxes by {answer['boxes_by']}"
    weights = " The weights are random: the network has learned nothing." if _is_random(answer) else ""
    return f"Photograph of {size}; {by}.{weights}"


def _is_random(answer: Mapping[str, Any]) -> bool:
    return bool(answer["network"]["weights_from"] == "random")
