"""Erases a person: their id at the marketplace and their pseudonym go, their answers stay under a code of no one."""

from argparse import ArgumentParser
from typing import Any

from annotator.crowd.marketplaces.table import MARKETPLACES
from annotator.work.step_command import StepCommand


class Command(StepCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("marketplace", choices=list(MARKETPLACES), help="Where the person works")
        parser.add_argument(
            "worker_id", help="The marketplace's id, as the person gives it; or the pseudonym of an imported person"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(self.perform("erase-worker", options["marketplace"], options))
