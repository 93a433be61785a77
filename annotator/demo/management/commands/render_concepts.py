"""`manage.py render_concepts`: makes the demo's concept image set in a folder."""

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotator.commanding import ProjectCommand, explain
from annotator.demo.pictures.concepts import DECK
from annotator.demo.pictures.rendering import render_set
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Render a concept image set in Broden layout: colors, textures, materials, objects with parts, and scenes.\n"
        "The images are RENDERED, not photographs; every label map is exact. The concepts are used in turn\n"
        f"({len(DECK)} in all), so that each occurs about equally often in any number of images. The same seed\n"
        "gives the same bytes for any --jobs. A folder that already holds the same set is not changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("folder", type=Path, metavar="DIR", help="where to put the set; made if missing")
        parser.add_argument("--n", type=int, default=1500, help="images (default 1500)")
        parser.add_argument("--seed", type=int, default=1, help="seed, zero or more (default 1)")
        parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        n_images, seed, n_jobs = options["n"], options["seed"], options["jobs"]
        if n_images < 1 or n_jobs < 1 or seed < 0:
            raise CommandError("--n and --jobs must be at least 1, --seed at least 0.", returncode=2)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, transient=True) as progress:
                task = progress.add_task("rendering concepts", total=n_images)
                existed = render_set(
                    folder=options["folder"],
                    n_images=n_images,
                    seed=seed,
                    n_jobs=n_jobs,
                    on_progress=lambda n_done: progress.update(task, completed=n_done),
                )
        except OSError as error:
            raise CommandError(explain(error) or str(error), returncode=2) from error
        how = "existing, reused" if existed else "rendered"
        self.stdout.write(f"{options['folder']}: {say_count(n_images, 'rendered concept image')} ({how}).")
