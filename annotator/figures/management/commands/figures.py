"""`manage.py figures CAMPAIGN --out DIR`: the talk's figures as SVG, PNG and the data behind them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotator.commanding import ProjectCommand
from annotator.comparison.reports import describe_campaign
from annotator.crowd.campaigns.finding import find_campaign
from annotator.figures.charts import draw_networks_side_by_side
from annotator.figures.drawing import Figure, save_figure
from annotator.figures.listing import draw_along, draw_figure, draw_zoo, list_figures
from annotator.units.finding import find_dissection


class Command(ProjectCommand):
    help = (
        "Draws a campaign's figures into DIR, each as NAME.svg, NAME.png, NAME.csv and NAME.vl.json: semantic types "
        "and precision by layer, precision against IoU, confusion of categories, object detectors with examples. With "
        "--beside, two campaigns' networks side by side. With --dissections, unique detectors of several "
        "networks; with --positions as well, along training snapshots or a rotation."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of a labeled campaign")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="Folder for the files")
        parser.add_argument("--beside", metavar="CAMPAIGN", help="Another campaign to set beside the first")
        parser.add_argument("--dissections", metavar="ID", nargs="+", default=[], help="Several dissections")
        parser.add_argument(
            "--positions", metavar="X", nargs="+", type=float, default=[], help="One for each dissection"
        )
        parser.add_argument("--axis", default="position", help="What the positions are, such as epoch or rotation")

    def handle(self, *args: Any, out: Path, **options: Any) -> None:
        figures = [*_draw_campaign(options["campaign"], options["beside"]), *_draw_dissections(options)]
        if not figures:
            raise CommandError("Name a campaign or --dissections.", returncode=2)
        for figure in figures:
            save_figure(figure, folder=out)
            self.stdout.write(f"{figure.name}: {figure.title}")


def _draw_campaign(name: str | None, beside: str | None) -> list[Figure]:
    if name is None:
        return []
    campaign = find_campaign(name)
    report = describe_campaign(campaign=campaign)
    if not report["units"]:
        raise CommandError(f"Campaign {name} has no labeled units yet: run `label {name}` first.", returncode=2)
    figures = [draw_figure(report=report, name=figure, campaign=campaign) for figure, _ in list_figures(report)]
    if beside is not None:
        other = describe_campaign(campaign=find_campaign(beside))
        figures.append(draw_networks_side_by_side({name: report, beside: other}))
    return figures


def _draw_dissections(options: dict[str, Any]) -> list[Figure]:
    found = [find_dissection(text) for text in options["dissections"]]
    positions = options["positions"]
    if not positions:
        return [draw_zoo(found)] if found else []
    if len(positions) != len(found):
        raise CommandError(f"{len(found)} dissections need as many positions, not {len(positions)}.", returncode=2)
    return [draw_zoo(found), draw_along(list(zip(found, positions, strict=True)), axis=options["axis"])]
