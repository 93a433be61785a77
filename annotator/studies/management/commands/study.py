"""Studies of descriptions: `study plan`, `launch`, `status`, `report`, `rebuild`, `delete`."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.phrases import read_one_phrase_each
from annotator.crowd.campaigns.unit_choice import ChosenUnit, find_named, list_units
from annotator.crowd.marketplaces.table import MARKETPLACES
from annotator.labels.labeling import open_lexicon
from annotator.studies.activations import POOLED, read_array, read_kept
from annotator.studies.asking import ask_round, find_study
from annotator.studies.deleting import delete_study
from annotator.studies.labeled_images import read_presence
from annotator.studies.matrices import read_classes
from annotator.studies.metrics import METRICS
from annotator.studies.plan import Plan
from annotator.studies.planning import Asked, Known, describe_asked, plan_study, price_study
from annotator.studies.reading import read_study
from annotator.studies.record import StudyRecord, read_record
from annotator.studies.report import describe_study
from annotator.studies.saying import find_texts
from annotator.studies.writing import tell_report, write_report
from annotator.units.finding import find_done_dissections
from annotator.units.models import DissectedUnit, Dissection

EXAMPLE = """

example:
  manage.py study plan birds --dissection ID --unit features.12:3,17,40-49 --method "labeled pixels" \\
      --file CLIP-Dissect=clip.csv
  manage.py study launch birds
  manage.py launch birds-round1
  manage.py study status birds
  manage.py study report birds --out birds/
  manage.py study rebuild birds/study.json --out again/
"""


class Command(ProjectCommand):
    help = "Ask people on drawn photographs whether what methods say of units holds there (docs/studies.md)." + EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add = parser.add_argument
        add(
            "act", choices=["plan", "launch", "status", "report", "rebuild", "delete"],
            help="plan: draw, price and freeze it; launch: compose the next round; status: error against cost; report: "
            "write all results; rebuild: write them again from a report's study.json; delete: it, if nobody was asked",
        )  # fmt: skip
        add("study", help="Its name; for rebuild the file study.json")
        add("--out", type=Path, metavar="DIR", help="report, rebuild: folder for the files")
        _add_plan(parser)

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        for line in ACTS[act](options):
            self.stdout.write(line)


def _add_plan(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("plan").add_argument
    add("--dissection", metavar="ID", help="Whose units and images")
    add("--unit", dest="units", action="append", default=[], metavar="LAYER:3,17,40-49", help="Counted from zero")
    add(
        "--method", dest="methods", action="append", default=[], metavar="NAME",
        help="Several times: 'labeled pixels', 'people', or an imported method",
    )  # fmt: skip
    add(
        "--file", dest="files", action="append", default=[], metavar="METHOD=FILE.csv",
        help="What a method says, with the columns layer, unit, phrase",
    )  # fmt: skip
    add(
        "--activations", action="append", default=[], metavar="LAYER=FILE.npy",
        help="(images, units): how active each unit is on each image of the set; default: what the dissection kept "
        "with --activation-vectors",
    )  # fmt: skip
    add(
        "--pooled", choices=list(POOLED), default="maximum",
        help="What was kept of a unit's map; default: maximum",
    )  # fmt: skip
    add("--sampling", choices=["importance", "uniform"], default="importance", help="default: importance")
    add(
        "--concepts", default="labels", metavar="labels|none|FILE.npy",
        help="The cheap model: labeled pixels (default), none, or probabilities (images, classes) with --class-names",
    )  # fmt: skip
    add("--class-names", type=Path, metavar="FILE", help="The names of a classifier's classes, one per line")
    add("--gamma", type=float, default=Plan.gamma, help="Share of even draws within importance sampling; default: .2")
    add("--images", dest="n_draws", type=int, default=Plan.n_draws, metavar="N", help="Draws per pair; default: 180")
    add("--raters", dest="n_raters", type=int, default=Plan.n_raters, metavar="N", help="People per image; default: 3")
    add("--rounds", dest="n_rounds", type=int, default=1, metavar="N", help="Parts that are asked one by one")
    add("--gold", dest="n_gold", type=int, default=Plan.n_gold, metavar="N", help="Known images in a question")
    add("--rule", choices=["bragg", "majority"], default="bragg", help="How votes are counted; default: bragg")
    add("--error", type=float, default=Plan.error, help="Of a vote, until gold images tell it; default: .23")
    add("--prior", type=float, default=Plan.prior, help="Without a cheap model; default: .05")
    add("--metric", choices=list(METRICS), default=Plan.metric, help="What decides when to stop; default: rho")
    add("--active-share", type=float, default=Plan.active_share, help="Images that count as active; default: .05")
    add("--stop-width", type=float, metavar="W", help="Ask no further round when all differences are known to +- W")
    add("--reward", default=Plan.reward_usd, metavar="USD", help="For 15 images; default: 0.06")
    add("--marketplace", choices=list(MARKETPLACES), default="own", help="Where people are asked; default: own")
    add("--seed", type=int, default=0, help="Of all draws; default: 0")


def _plan(options: Mapping[str, Any]) -> Iterator[str]:
    if not options["dissection"] or not options["units"]:
        raise CommandError("A plan needs --dissection and --unit.", returncode=2)
    dissection = find_done_dissections([options["dissection"]])[0]
    units = find_named(list_units([dissection]), options["units"])
    asked = list(_list_asked(units, options))
    plan = _make_plan(dissection, units, asked, options)
    known = _find_known(dissection, units, options)
    study = plan_study(options["study"], dissection=dissection, plan=plan, asked=asked, known=known, now=timezone.now())
    price = price_study(plan, describe_asked(study))
    yield f"Planned {len(asked)} descriptions of {len(units)} units; the plan is {study.sha256[:12]}."
    yield f"It asks {price.n_questions} questions of {options['n_raters']} people each: at most ${price.total_usd}."
    yield f"Nothing is asked yet. Go on with `study launch {study}`."


def _make_plan(
    dissection: Dissection, units: list[DissectedUnit], asked: list[Asked], options: Mapping[str, Any]
) -> Plan:
    same = ("sampling", "gamma", "concepts", "n_draws", "n_raters", "n_rounds", "n_gold", "rule", "error", "prior",
            "metric", "active_share", "stop_width", "marketplace", "seed")  # fmt: skip
    return Plan(
        units=tuple(f"{one.unit.layer.path}:{one.unit.index}" for one in units),
        methods=tuple(dict.fromkeys(one.method for one in asked)),
        image_set=dissection.image_set.name,
        image_set_sha256=dissection.image_set.sha256,
        n_images=dissection.image_set.images.filter(quarantine_reason="").count(),
        pooled=options["pooled"] if _list_kept(units, options) else "",
        reward_usd=_read_usd(options["reward"]),
        **{name: options[name] for name in same},
    )


def _list_asked(units: list[DissectedUnit], options: Mapping[str, Any]) -> Iterator[Asked]:
    """Unit by unit, each with what every method says; a method that says nothing of a unit is passed over there."""
    said = find_texts(units, methods=options["methods"])
    chosen = [ChosenUnit(one, because="named") for one in units]
    for method, path in map(_split_named, options["files"]):
        if method in said:
            raise CommandError(f"The method {method!r} is named twice.", returncode=2)
        said[method] = read_one_phrase_each(Path(path), chosen)
    for unit in units:
        for method, texts in said.items():
            if unit.unit_id in texts:
                yield Asked(unit, method, texts[unit.unit_id])


def _list_kept(units: list[DissectedUnit], options: Mapping[str, Any]) -> list[str]:
    """The units' layers that no file of activations is named for."""
    named = {layer for layer, _ in map(_split_named, options["activations"])}
    return [layer for layer in dict.fromkeys(one.unit.layer.path for one in units) if layer not in named]


def _find_known(dissection: Dissection, units: list[DissectedUnit], options: Mapping[str, Any]) -> Known:
    presence = read_presence(dissection.image_set) if dissection.image_set.has_labels else None
    concepts, is_classes = presence, False
    if options["concepts"] == "none":
        concepts = None
    elif options["concepts"] != "labels":
        concepts, is_classes = read_classes(Path(options["concepts"]), options["class_names"]), True
    elif presence is None:
        raise CommandError(f"{dissection.image_set} has no labels: give --concepts none or FILE.npy.", returncode=2)
    given = {layer: read_array(Path(path)) for layer, path in map(_split_named, options["activations"])}
    kept = {layer: read_kept(dissection, layer, pooled=options["pooled"]) for layer in _list_kept(units, options)}
    return Known(
        activations=given | kept,
        presence=presence,
        concepts=concepts,
        is_classes=is_classes,
        lexicon=open_lexicon(),
    )


def _split_named(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise CommandError(f"{text!r} is not NAME=FILE.", returncode=2)
    return name, path


def _read_usd(text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    # More has no room in a campaign's row; a NaN is not compared.
    if not value.is_finite() or not 0 <= value < 1000 or value != value.quantize(Decimal("0.01")):
        raise CommandError(f"{text!r} is not an amount of dollars and cents below $1000.", returncode=2)
    return str(value)


def _launch(options: Mapping[str, Any]) -> Iterator[str]:
    study = find_study(options["study"])
    stop = describe_study(read_study(study))["stop"] if study.rounds.exists() else None
    campaign = ask_round(study, is_stopped=bool(stop and stop["is_met"]), now=timezone.now())
    yield f"Composed {campaign.hits.count()} questions; with fees they cost at most ${campaign.budget_cap_usd}."
    yield f"Nothing is published yet. Publish with `launch {campaign}`."


def _status(options: Mapping[str, Any]) -> Iterator[str]:
    yield from tell_report(describe_study(read_study(find_study(options["study"]))))


def _report(options: Mapping[str, Any]) -> Iterator[str]:
    yield from _write(options, read_study(find_study(options["study"])))


def _delete(options: Mapping[str, Any]) -> Iterator[str]:
    names = delete_study(find_study(options["study"]), now=timezone.now())
    yield f"Deleted the study {options['study']}" + (f" and its campaigns {', '.join(names)}." if names else ".")


def _rebuild(options: Mapping[str, Any]) -> Iterator[str]:
    yield from _write(options, read_record(Path(options["study"])))


def _write(options: Mapping[str, Any], record: StudyRecord) -> Iterator[str]:
    if options["out"] is None:
        raise CommandError("Name the folder for the files with --out.", returncode=2)
    for path in write_report(record, folder=options["out"]):
        yield f"Wrote {path}."


ACTS = {
    "plan": _plan, "launch": _launch, "status": _status, "report": _report, "rebuild": _rebuild, "delete": _delete,
}  # fmt: skip
