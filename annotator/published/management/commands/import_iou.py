"""`manage.py import_iou CAMPAIGN --layer PATH FILE.csv`: automatic labels that were made elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.published.importing import import_iou


class Command(ProjectCommand):
    help = (
        "Imports automatic labels for one layer of a campaign and compares: Network Dissection's or NetDissect-Lite's "
        "CSV (units counted from 1), or CLIP-Dissect's descriptions.csv (counted from 0). All or nothing; the same "
        "file may be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a campaign with units in that layer")
        parser.add_argument("file", metavar="FILE.csv", type=Path, help="The automatic labels")
        parser.add_argument("--layer", metavar="PATH", required=True, help="Layer of the campaign, such as pool5")

    def handle(self, *args: Any, campaign: str, file: Path, layer: str, **options: Any) -> None:
        done = import_iou(campaign=find_campaign(campaign), layer_path=layer, path=file)
        self.stdout.write(f"Automatic labels of {done.n_units} units of {layer} imported and compared.")
