"""`manage.py import_iou CAMPAIGN|--network NAME --layer PATH FILE.csv`: automatic labels that were made elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.published.importing import import_iou, import_network_iou
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Imports automatic labels for one layer of a campaign and compares, or for a layer of a network that nobody "
        "was asked about: Network Dissection's or NetDissect-Lite's CSV (units counted from 1), or CLIP-Dissect's "
        "descriptions.csv (counted from 0). All or nothing; the same file may be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", nargs="?", help="Name of a campaign with units in that layer")
        parser.add_argument("file", metavar="FILE.csv", type=Path, help="The automatic labels")
        parser.add_argument("--network", metavar="NAME", help="Instead of a campaign; a new network is made")
        parser.add_argument("--layer", metavar="PATH", required=True, help="Layer of the campaign, such as pool5")

    def handle(self, *args: Any, campaign: str | None, file: Path, layer: str, **options: Any) -> None:
        network = options["network"]
        if bool(campaign) == bool(network):
            raise CommandError("Name either a campaign or --network NAME.", returncode=2)
        if campaign:
            done = import_iou(campaign=find_campaign(campaign), layer_path=layer, path=file)
        else:
            done = import_network_iou(network_name=network, layer_path=layer, path=file, now=timezone.now())
        compared = "imported and compared" if campaign else f"imported for network {network}"
        self.stdout.write(f"Automatic labels of {say_count(done.n_units, 'unit')} of {layer} {compared}.")
