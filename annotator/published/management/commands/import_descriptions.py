"""`manage.py import_descriptions FILE.csv --network NAME|--dissection ID`: what a method says about units, in words."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.published.describers.records import Choices
from annotator.published.importing_descriptions import Wish, import_descriptions, read_layer_wishes
from annotator.units.finding import find_dissection


class Command(ProjectCommand):
    help = (
        "Imports descriptions of units from a CSV file of NetDissect, CLIP-Dissect, MILAN, Describe-and-Dissect, "
        "Linear Explanations or INVERT, which is known by its columns, or from any other whose columns are named. "
        "All or nothing; the same file may be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path, help="One row per unit, with a header")
        parser.add_argument("--network", metavar="NAME", help="Whose units they are; a new network is made")
        parser.add_argument("--dissection", metavar="ID", help="Instead: the network of this dissection")
        parser.add_argument(
            "--layer", metavar="PATH", action="append", default=[],
            help="Only this layer of the file, or the layer of a file that names none; NAME=PATH: the file's name of a "
            "layer and its path here; may be repeated",
        )  # fmt: skip
        parser.add_argument("--method", metavar="NAME", default="", help="Who describes; default: by the columns")
        parser.add_argument("--unit-column", metavar="COLUMN", default=Choices.unit_column, help="Default: unit")
        parser.add_argument(
            "--description-column", metavar="COLUMN", default=Choices.text_column, help="Default: description"
        )
        parser.add_argument("--layer-column", metavar="COLUMN", default=Choices.layer_column, help="Default: layer")
        parser.add_argument("--score-column", metavar="COLUMN", default="", help="Default: the format's own")
        parser.add_argument(
            "--first-unit", type=int, choices=(0, 1), default=0, help="Number of a layer's first unit; default: 0"
        )
        parser.add_argument(
            "--replace", action="store_true", help="What the method said before about these units gives way"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if bool(options["network"]) == bool(options["dissection"]):
            raise CommandError("Name either --network NAME or --dissection ID.", returncode=2)
        network = options["network"] or find_dissection(options["dissection"]).network.name
        choices = Choices(
            unit_column=options["unit_column"],
            text_column=options["description_column"],
            layer_column=options["layer_column"],
            score_column=options["score_column"],
            first_unit=options["first_unit"],
        )
        wish = Wish(
            network=network,
            layers=read_layer_wishes(options["layer"]),
            method=options["method"],
            replaces=options["replace"],
            choices=choices,
        )
        self.stdout.write(import_descriptions(path=file, wish=wish, now=timezone.now()).sentence)
