"""`manage.py dissection ID STEP`: shows a dissection, or cancels, retries or deletes it."""

from argparse import ArgumentParser
from typing import Any

from annotator.units.finding import find_dissection
from annotator.units.models import Dissection
from annotator.units.progress import read_dissection_progress
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.steps.dissecting import list_users
from annotator.work.table import STEPS
from workers.engine.plurals import say_count

SHOW = "show"
LIST = "list"
ENDING = "-dissection"
N_LISTED = 20


class Command(StepCommand):
    help = (
        "Shows a dissection (state, progress, the campaigns that use it), or performs one step of it. "
        "`dissection list` shows the newest ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dissection", metavar="ID", help="Its id, as dissect prints it; list: the newest ones")
        steps = parser.add_subparsers(dest="step", metavar="STEP", help="One of these; none: show")
        steps.add_parser(SHOW, help="Changes nothing.")
        for step in STEPS.values():
            if step.subject == "dissection":
                one = steps.add_parser(step.name.removesuffix(ENDING), help=step.sentence, description=step.sentence)
                add_arguments(one, step.options)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dissection"] == LIST:
            self.stdout.write(_list_newest())
            return
        dissection, name = find_dissection(options["dissection"]), options["step"] or SHOW
        said = _show(dissection) if name == SHOW else self.perform(f"{name}{ENDING}", dissection, options)
        self.stdout.write(said)


def _list_newest() -> str:
    newest = Dissection.objects.filter(is_baseline=False).select_related("network", "image_set")[:N_LISTED]
    lines = [f"{one.pk}  {one.state:<9}  {one} ({', '.join(one.layer_paths)})" for one in newest]
    return "\n".join(lines) or "There is no dissection yet."


def _show(dissection: Dissection) -> str:
    seen, users = read_dissection_progress(dissection), list_users(dissection)
    lines = [
        f"{dissection.pk}: {dissection.state}, {dissection} ({', '.join(dissection.layer_paths)})",
        f"{seen.stage}: {seen.n_done} of {say_count(seen.n_total, 'image')}" if seen.n_total else "",
        dissection.error,
        f"Used by campaigns: {', '.join(users)}." if users else "No campaign uses it.",
    ]
    return "\n".join(line for line in lines if line)
