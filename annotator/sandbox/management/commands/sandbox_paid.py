"""Records payments that were made outside into the sandbox's ledger."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.csv_files import restore
from annotator.sandbox import switchboard
from annotator.sandbox.acts import paying_out, settling
from workers.engine.plurals import say_count

NEEDED = ("worker_id", "amount", "reference")


class Command(ProjectCommand):
    help = (
        "Record that the people of FILE were paid: a CSV with the columns worker_id, amount (dollars) and reference, "
        "such as `sandbox_earnings --payments` writes. All rows or none. A payment that was recorded before is passed "
        "over, so that the same file twice pays nobody twice; more than is owed is refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV of what was paid")

    def handle(self, *args: Any, **options: Any) -> None:
        rows, now = _read(options["file"]), switchboard.read().now()
        settling.settle_due(now=now)
        n_new, n_known = paying_out.record_payments(rows, now=now)
        self.stdout.write(
            f"{say_count(n_new, 'payment')} recorded; {say_count(n_known, 'was', 'were')} recorded before."
        )


def _read(path: Path) -> list[dict[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows: list[dict[str, str | None]] = [
                {name: restore((row[name] or "").replace("\0", "")) for name in NEEDED if name in row} for row in reader
            ]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read: {error}.", returncode=2) from None
    if missing := [name for name in NEEDED if name not in columns]:
        raise CommandError(f"{path} lacks the columns {', '.join(missing)}.", returncode=2)
    return rows
