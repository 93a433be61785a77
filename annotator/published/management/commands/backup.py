"""`manage.py backup FILE`: the whole installation in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.published.backup.backing_up import back_up
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Writes the installation into one ZIP file that only its owner can read: the database, artifacts, secrets and "
        "WordNet's tables if they are used. It may run meanwhile. Images and weights are not in it. The file holds "
        "people's ids and keys that sign: keep it where nobody else reads it. Next: restore."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="The file to write; it must not exist")
        parser.add_argument(
            "--without-artifacts", action="store_true", help="Name the artifacts' files only: the store has a backup"
        )
        parser.add_argument(
            "--without-secrets", action="store_true", help="Leave the keys out: you keep them elsewhere"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        done = back_up(
            path=file.resolve(),
            with_artifacts=not options["without_artifacts"],
            with_secrets=not options["without_secrets"],
            now=timezone.now(),
        )
        what = "named" if options["without_artifacts"] else "in it"
        secrets = "without secrets" if options["without_secrets"] else "with secrets: let nobody else read it"
        self.stdout.write(
            f"{file}: {done.n_bytes / 1e6:,.1f} MB, {say_count(done.n_artifacts, 'file')} of artifacts {what}, "
            f"{secrets}."
        )
        for dissection in done.without_artifact:
            self.stdout.write(f"Dissection {dissection} has no artifact in the store.")
