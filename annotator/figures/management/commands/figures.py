"""`manage.py figures CAMPAIGN --out DIR`: the talk's figures as SVG, PDF, PNG, caption and data."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotator.commanding import ProjectCommand
from annotator.comparison.reports import describe_campaign
from annotator.crowd.campaigns.finding import find_campaign
from annotator.figures.drawing import Figure, save_figure
from annotator.figures.listing import (
    draw_along,
    draw_beside,
    draw_dissection_figure,
    draw_figure,
    draw_zoo,
    list_dissection_figures,
    list_figures,
)
from annotator.figures.paper import DPI, read_paper
from annotator.figures.whole_layers import find_dissections, list_layer_figures, list_units_shown
from annotator.processes import ProcessFailed
from annotator.units.cutting import CropsNotCut, demand_cut, find_uncut
from annotator.units.finding import find_dissection
from annotator.units.gpu_process import NoGPUProcess, gpu_process_if_none
from annotator.units.models import Dissection
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Draws a campaign's figures into DIR, each as NAME.svg, NAME.pdf, NAME.png, NAME.csv, NAME.vl.json and its "
        "caption NAME.txt: semantic types and precision by layer, precision against IoU, confusion of categories, "
        "object detectors with examples, and of each whole layer its detectors by labeled pixels and a contact sheet "
        "of its best units. With --beside, two campaigns' networks side by side. With --dissections, unique detectors "
        "of several networks, and the figures of their whole layers; with --positions as well, along training "
        "snapshots or a rotation. Text is at least 7 pt at the width."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of a labeled campaign")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="Folder for the files")
        parser.add_argument(
            "--width", metavar="WIDTH", default="two", help="one or two columns, or inches such as 5.5; default: two"
        )
        parser.add_argument(
            "--dpi", metavar="N", type=int, default=DPI, help=f"Pixels per inch of a PNG; default: {DPI}"
        )
        parser.add_argument("--beside", metavar="CAMPAIGN", help="Another campaign to set beside the first")
        parser.add_argument("--dissections", metavar="ID", nargs="+", default=[], help="Several dissections")
        parser.add_argument(
            "--positions", metavar="X", nargs="+", type=float, default=[], help="One for each dissection"
        )
        parser.add_argument("--axis", default="position", help="What the positions are, such as epoch or rotation")

    def handle(self, *args: Any, out: Path, **options: Any) -> None:
        paper = read_paper(options["width"], options["dpi"])
        self._cut_crops(_list_dissections(options))
        figures = [*_draw_campaign(options["campaign"], options["beside"]), *_draw_dissections(options)]
        if not figures:
            raise CommandError("Name a campaign or --dissections.", returncode=2)
        for figure in figures:
            save_figure(figure, folder=out, paper=paper)
            self.stdout.write(f"{figure.name}: {figure.title}")

    def _cut_crops(self, dissections: Sequence[Dissection]) -> None:
        """Of the units that the figures show and nobody has looked at."""
        shown = [
            unit for one in dissections for name in list_layer_figures([one]) for unit in list_units_shown(name, [one])
        ]
        if not (uncut := find_uncut(shown)):
            return
        try:
            with gpu_process_if_none() as keeper:
                demand_cut(uncut, passes_over=True, look_after=keeper.look_after)
        except (CropsNotCut, NoGPUProcess, ProcessFailed) as reason:
            self.stderr.write(f"{reason} The figures are without them.")


def _list_dissections(options: dict[str, Any]) -> list[Dissection]:
    of_campaign = find_dissections(find_campaign(options["campaign"])) if options["campaign"] else []
    return [*of_campaign, *(find_dissection(text) for text in options["dissections"])]


def _draw_campaign(name: str | None, beside: str | None) -> list[Figure]:
    if name is None:
        return []
    campaign = find_campaign(name)
    report = describe_campaign(campaign=campaign)
    if not report["units"]:
        raise CommandError(f"Campaign {name} has no labeled units yet: run `label {name}` first.", returncode=2)
    figures = [
        draw_figure(report=report, name=figure, campaign=campaign)
        for figure, _ in list_figures(report, campaign=campaign)
    ]
    if beside is not None:
        other = describe_campaign(campaign=find_campaign(beside))
        figures.append(draw_beside({name: report, beside: other}))
    return figures


def _draw_dissections(options: dict[str, Any]) -> list[Figure]:
    found = [find_dissection(text) for text in options["dissections"]]
    positions = options["positions"]
    if positions and len(positions) != len(found):
        need = say_count(len(found), "dissection needs", "dissections need")
        raise CommandError(f"{need} as many positions, not {len(positions)}.", returncode=2)
    if not found:
        return []
    figures = [draw_zoo(found), *_draw_layers(found)]
    if positions:
        figures.append(draw_along(list(zip(found, positions, strict=True)), axis=options["axis"]))
    return figures


def _draw_layers(found: Sequence[Dissection]) -> list[Figure]:
    """The dissection's number goes before a name that several dissections have."""
    figures = []
    for place, dissection in enumerate(found):
        for name, _ in list_dissection_figures([dissection]):
            figure = draw_dissection_figure(name, [dissection])
            figures.append(replace(figure, name=f"{place + 1}-{name}") if len(found) > 1 else figure)
    return figures
