"""`manage.py restore FILE`: an empty installation becomes what another one was."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from annotator.commanding import ProjectCommand
from annotator.published.backup.restoring import restore
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Restores what `backup` wrote into an empty installation that is not running: after `make setup`, or with a "
        "new database. All pages, reports and accounts are as they were. If it was interrupted, run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="The file that `backup` wrote")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        done = restore(path=file.resolve(), tell=self.stdout.write)
        self.stdout.write(
            f"Restored: {say_count(done.n_artifacts, 'file')} of artifacts; "
            f"{say_count(done.n_audit_entries, 'entry of the audit log is', 'entries of the audit log are')} "
            "unchanged. Next: make up."
        )
        for dissection in done.without_artifact:
            self.stdout.write(f"Dissection {dissection} has no artifact in this store.")
