"""Studies of descriptions: `study plan`, `launch`, `status`, `report`, `rebuild`, `delete`."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotator.studies.asking import find_study
from annotator.studies.reading import read_study
from annotator.studies.record import StudyRecord, read_record
from annotator.studies.report import describe_study
from annotator.studies.writing import tell_report, write_report
from annotator.work.options import add_arguments
from annotator.work.step_command import StepCommand
from annotator.work.steps.studying import PlanOptions

EXAMPLE = """

example:
  manage.py study plan birds --dissection ID --unit features.12:3,17,40-49 --method "labeled pixels" \\
      --file CLIP-Dissect=clip.csv
  manage.py study launch birds
  manage.py launch birds-round1
  manage.py study status birds
  manage.py study report birds --out birds/
  manage.py study rebuild birds/study.json --out again/
"""


class Command(StepCommand):
    help = "Ask people on drawn photographs whether what methods say of units holds there (docs/studies.md)." + EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add = parser.add_argument
        add(
            "act", choices=["plan", "launch", "status", "report", "rebuild", "delete"],
            help="plan: draw, price and freeze it; launch: compose the next round; status: error against cost; report: "
            "write all results; rebuild: write them again from a report's study.json; delete: it, if nobody was asked",
        )  # fmt: skip
        add("study", help="Its name; for rebuild the file study.json")
        add("--out", type=Path, metavar="DIR", help="report, rebuild: folder for the files")
        add_arguments(parser.add_argument_group("plan"), PlanOptions)

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        for line in self._tell(act, options["study"], options):
            self.stdout.write(line)

    def _tell(self, act: str, name: str, options: Mapping[str, Any]) -> Iterator[str]:
        match act:
            case "plan":
                yield self.perform("plan-study", name, options)
                yield f"Go on with `study launch {name}`."
            case "launch":
                study = find_study(name)
                yield self.perform("ask-round", study, {})
                yield f"Publish with `launch {study.rounds.latest('number').campaign}`."
            case "status":
                yield from tell_report(describe_study(read_study(find_study(name))))
            case "delete":
                yield self.perform("delete-study", find_study(name), {"yes": True})
            case _:
                record = read_study(find_study(name)) if act == "report" else read_record(Path(name))
                yield from _write(options["out"], record)


def _write(folder: Path | None, record: StudyRecord) -> Iterator[str]:
    if folder is None:
        raise CommandError("Name the folder for the files with --out.", returncode=2)
    for path in write_report(record, folder=folder):
        yield f"Wrote {path}."
