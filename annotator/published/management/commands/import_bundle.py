"""`manage.py import_bundle FILE`: a campaign that another installation exported."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.published.bundle.unpacking import import_bundle


class Command(ProjectCommand):
    help = (
        "Imports a campaign from the bundle.zip that `export` wrote: what was dissected, what was asked and answered, "
        "labels and decisions. All or nothing; the same bundle again changes nothing. The campaign is closed here. "
        "Next: report."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="bundle.zip of an export")
        parser.add_argument("--as", dest="name", metavar="NAME", default="", help="Another name for the campaign here")

    def handle(self, *args: Any, file: Path, name: str, **options: Any) -> None:
        done = import_bundle(path=file, name=name, now=timezone.now(), tell=self.stdout.write)
        self.stdout.write(done.sentence)
