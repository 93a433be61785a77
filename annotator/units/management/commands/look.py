"""Shows what is understood of a folder of images: in words, and as a page with labels drawn on pictures."""

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.units import sources
from annotator.units.asked_options import LABELS_HELP
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.preview import preview, say, write_page
from workers.engine.images.readers.table import find_reader, open_image_set

MAX_SHOWN = 200
EXAMPLE = """
Nothing is registered or computed. The page needs no other file and can be opened in any browser.

example: manage.py look photos/ --labels annotations/instances_val2017.json
"""


class Command(ProjectCommand):
    help = "Look at a folder of images before it is dissected: layout, labels, what cannot be used." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("folder", help="folder of images, with labels or without")
        parser.add_argument("--labels", default="", metavar="PATH", help=LABELS_HELP)
        parser.add_argument("--pictures", type=int, default=10, metavar="N", help="pictures on the page; default 10")
        parser.add_argument(
            "--all", action="store_true", help="read all images and their labels, not those of the pictures alone"
        )
        parser.add_argument("--output", metavar="FILE", help="the page; default: look-NAME.html in this folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["pictures"] <= MAX_SHOWN:
            raise CommandError(f"--pictures is a number from 1 to {MAX_SHOWN}.", returncode=2)
        labels = sources.resolve_labels(options["labels"])
        folder = Path(sources.find_folder(options["folder"], labels)[0])
        output = Path(options["output"] or f"look-{folder.name}.html")
        try:
            found = preview(
                open_image_set(folder, labels),
                layout=find_reader(folder, labels).name,
                n_shown=options["pictures"],
                is_whole=options["all"],
            )
        except ImageSetError as error:
            raise CommandError(str(error), returncode=2) from None
        try:
            output.write_text(write_page(found, title=folder.name), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"The page cannot be written to {output}: {error.strerror}.", returncode=2) from None
        self.stdout.write("\n".join([*say(found), f"Pictures: {output.resolve()}"]))
