"""`manage.py import_iou CAMPAIGN --layer PATH FILE.csv`: automatic labels that were made elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.crowd.models import Campaign
from annotator.published.csv_reading import BadFile
from annotator.published.importing import CannotImport, import_iou


class Command(BaseCommand):
    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    help = (
        "Imports automatic labels for one layer of a campaign and compares: Network Dissection's or NetDissect-Lite's "
        "CSV (units counted from 1), or CLIP-Dissect's descriptions.csv (counted from 0). All or nothing; the same "
        "file may be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of a campaign with units in that layer")
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--layer", metavar="PATH", required=True, help="Layer of the campaign, such as pool5")

    def handle(self, *args: Any, campaign: str, file: Path, layer: str, **options: Any) -> None:
        found = Campaign.objects.filter(name=campaign).first()
        if found is None:
            raise CommandError(f"There is no campaign called {campaign}.", returncode=2)
        try:
            done = import_iou(campaign=found, layer_path=layer, path=file)
        except (BadFile, CannotImport) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(f"Automatic labels of {done.n_units} units of {layer} imported and compared.")
