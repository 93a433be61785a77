"""`manage.py import_annotations CAMPAIGN --answers FILE`: answers that were collected elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.published.importing import import_annotations
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Imports answers as a campaign and labels its units. FILE is the published .mat (layerAnnotation), MTurk's "
        "results .csv (WorkerId, Input.layer, Input.unit counted from 1, Answer.description, Answer.category as a code "
        "or in words, Answer.precision; rows with a RejectionTime do not count), or .jsonl (layer, index counted from "
        "0, description, category, precision; worker, is_simulated, shown, marked, planted, n_planted_missed and "
        "n_layer_units where known). All or nothing; import again to replace. Next: import_iou, then report."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="Name of the campaign, new or imported before")
        parser.add_argument("--answers", metavar="FILE", type=Path, required=True, help="A .mat, .csv or .jsonl")
        parser.add_argument("--network", help="Name of the network; the campaign's name unless stated")

    def handle(self, *args: Any, campaign: str, answers: Path, network: str | None, **options: Any) -> None:
        done = import_annotations(
            campaign_name=campaign, path=answers, network_name=network or campaign, now=timezone.now()
        )
        self.stdout.write(
            f"{say_count(done.n_rows, 'answer')} on {say_count(done.n_units, 'unit')} of {', '.join(done.layers)} "
            f"imported and labeled as campaign {campaign}. {done.remark}"
        )
