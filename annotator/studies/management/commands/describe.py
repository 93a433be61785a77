"""`manage.py describe KIND --dissection ID --layer PATH`: what a describer that runs here says of a layer's units."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.labels.labeling import open_lexicon
from annotator.studies.activations import POOLED
from annotator.studies.describers.table import COMPOSITIONS, DESCRIBERS
from annotator.studies.describing import Described, describe_layer, keep_described, read_compositions
from annotator.studies.labeled_images import read_presence
from annotator.studies.matrices import read_classes
from annotator.units.finding import find_done_dissections
from annotator.units.models import Dissection
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Describes each unit of a dissected layer from its activations on all images and their labels, or any stored "
        "probabilities of concepts, and keeps the descriptions under the method's name (docs/studies.md, Describers)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(DESCRIBERS), help="Which describer")
        parser.add_argument("--dissection", metavar="ID", required=True, help="A dissection with --activation-vectors")
        parser.add_argument("--layer", metavar="PATH", required=True, help="Whose units")
        parser.add_argument(
            "--concepts", metavar="FILE.npy", type=Path,
            help="Probabilities (images, concepts), with --class-names; default: the labels of the image set",
        )  # fmt: skip
        parser.add_argument("--class-names", type=Path, metavar="FILE", help="One name of a concept per line")
        parser.add_argument("--pooled", choices=list(POOLED), default="", help="Of each map; default: the authors'")
        parser.add_argument("--name", metavar="NAME", default="", help="Of the method; default: the describer's own")
        parser.add_argument("--replace", action="store_true", help="What it said of these units before gives way")
        parser.add_argument("--json", action="store_true", help="Print every description as JSON")

    def handle(self, *args: Any, kind: str, layer: str, **options: Any) -> None:
        dissection = find_done_dissections([options["dissection"]])[0]
        if layer not in dissection.layer_paths:
            raise CommandError(
                f"The dissection has no layer {layer}; its layers: {', '.join(dissection.layer_paths)}.", returncode=2
            )
        described = _describe(dissection, layer, kind, options)
        n = keep_described(
            described, dissection=dissection, name=options["name"], kind=kind, replaces=options["replace"],
            now=timezone.now(),
        )  # fmt: skip
        if options["json"]:
            told = [{"unit": index, "description": one.text, "score": one.score} for index, one in
                    described.told.items()]  # fmt: skip
            self.stdout.write(json.dumps({"method": options["name"] or described.method, "units": told}, indent=1))
            return
        self.stdout.write(f"{options['name'] or described.method}: {say_count(n, 'unit')} of {layer} described.")


def _describe(dissection: Dissection, layer: str, kind: str, options: Mapping[str, Any]) -> Described:
    if kind == COMPOSITIONS:
        return read_compositions(dissection, layer)
    concepts = (
        read_classes(options["concepts"], options["class_names"])
        if options["concepts"]
        else read_presence(dissection.image_set)
    )
    return describe_layer(
        dissection, layer, kind=kind, concepts=concepts, lexicon=open_lexicon(), pooled=options["pooled"]
    )
