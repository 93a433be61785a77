"""`manage.py clarity --dissection ID --layer PATH`: can a cheap score of clarity predict what people see?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotator.commanding import ProjectCommand
from annotator.comparison.methods import PEOPLE, SIMULATED, gather_said
from annotator.studies.activations import read_array, read_kept
from annotator.studies.clarity import MEASURES, measure_clarity, rank_with_precision
from annotator.units.finding import find_done_dissections
from annotator.units.models import Dissection, TopImage
from annotator.written import print_bounds
from workers.engine.plurals import say_count
from workers.engine.resampling import Estimate


class Command(ProjectCommand):
    help = (
        "Measures how alike each unit's top images are in an embedding (clarity, polysemanticity, redundancy), and how "
        "these rank with the precision that people found. The embedding is of whole photographs: what lies beside a "
        "unit's crop counts as well (docs/studies.md, Clarity)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dissection", metavar="ID", required=True, help="Whose units and top images")
        parser.add_argument("--layer", metavar="PATH", required=True, help="Whose units")
        parser.add_argument("--embedding", metavar="FILE.npy", type=Path, help="(images, dimensions) of the image set")
        parser.add_argument(
            "--embedding-of", metavar="ID:PATH",
            help="Instead: the means that a dissection of any network on these images kept (--activation-vectors)",
        )  # fmt: skip
        parser.add_argument("--top", type=int, default=25, metavar="N", help="Top images of each unit; default: 25")
        parser.add_argument("--json", action="store_true", help="Print every unit's figures as JSON")

    def handle(self, *args: Any, layer: str, **options: Any) -> None:
        dissection = find_done_dissections([options["dissection"]])[0]
        if bool(options["embedding"]) == bool(options["embedding_of"]):
            raise CommandError("Name either --embedding FILE.npy or --embedding-of ID:PATH.", returncode=2)
        if options["top"] < 3:
            raise CommandError("Clarity needs three top images or more (--top).", returncode=2)
        given = read_array(options["embedding"]) if options["embedding"] else _read_kept(
            dissection, options["embedding_of"]
        )  # fmt: skip
        units, top = _list_top(dissection, layer, n=options["top"])
        found = measure_clarity(given, top)
        people, is_simulated = _find_precision(list(units))
        ranked = rank_with_precision(found, people)
        if options["json"]:
            rows = [{"unit": units[pk], **asdict(one), "precision": people.get(pk)} for pk, one in found.items()]
            told = {"units": rows, "with_precision": {name: asdict(one) for name, one in ranked.items()}}
            self.stdout.write(json.dumps(told | {"is_simulated": is_simulated}, indent=1))
            return
        for name in MEASURES:
            values = [value for one in found.values() if (value := getattr(one, name)) is not None]
            mean = f"{sum(values) / len(values):.3f}" if values else "none"
            self.stdout.write(f"{name}: mean {mean} over {say_count(len(values), 'unit')}; {_say(ranked[name])}")
        if is_simulated:
            self.stdout.write("People were simulated.")


def _read_kept(dissection: Dissection, text: str) -> Any:
    """(n_images, n_units) means of another dissection of the same images."""
    name, colon, path = text.partition(":")
    if not (name and colon and path):
        raise CommandError(f"{text!r} is not ID:PATH.", returncode=2)
    other = find_done_dissections([name])[0]
    if other.image_set_id != dissection.image_set_id:
        raise CommandError(f"The dissection {name} is of other images, {other.image_set}.", returncode=2)
    if path not in other.layer_paths:
        raise CommandError(f"The dissection {name} has no layer {path}.", returncode=2)
    return read_kept(other, path, pooled="mean")


def _list_top(dissection: Dissection, layer: str, *, n: int) -> tuple[dict[int, int], dict[int, list[int]]]:
    """By the row of each unit, its index, and the indexes of its top images in the order of rank."""
    rows = TopImage.objects.filter(
        dissected_unit__dissection=dissection, dissected_unit__unit__layer__path=layer, is_low=False, rank__lt=n
    ).order_by("dissected_unit__unit__index", "rank")
    units: dict[int, int] = {}
    top: dict[int, list[int]] = {}
    for pk, index, image in rows.values_list("dissected_unit__unit", "dissected_unit__unit__index", "image__index"):
        units[pk] = index
        top.setdefault(pk, []).append(image)
    if not top:
        raise CommandError(f"The dissection has no units of a layer {layer}.", returncode=2)
    return units, top


def _find_precision(units: list[int]) -> tuple[dict[int, float], bool]:
    """By the row of each unit; whether any of the answers were simulated."""
    said = gather_said(units)
    both = said.get(SIMULATED, {}) | said.get(PEOPLE, {})
    return {pk: one.score for pk, one in both.items() if one.score is not None}, SIMULATED in said


def _say(one: Estimate) -> str:
    if one.value is None:
        return "too few units have people's precision for a rank correlation"
    return f"rank correlation with people's precision {one.value:+.3f} {print_bounds(one.low, one.high, '+.3f')}"
