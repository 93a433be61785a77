"""Erases a person: their id at the marketplace and their pseudonym go, their answers stay under a code of no one."""

from typing import Any

from django.core.management import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.erasing import CannotErase, erase_worker
from annotator.crowd.marketplaces.marketplace import MARKETPLACE_WORDS
from annotator.work.noting import note


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("marketplace", choices=list(MARKETPLACE_WORDS))
        parser.add_argument("worker_id", help="The marketplace's id, as the person gives it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            n_answers = erase_worker(marketplace=options["marketplace"], worker_id=options["worker_id"])
        except CannotErase as error:
            raise CommandError(str(error), returncode=2) from None
        note("erase worker", f"marketplace {options['marketplace']}", n_answers=n_answers)  # whom, the log must not say
        self.stdout.write(f"Erased. {n_answers} answers stay under a code that leads to no one.")
