"""Sets the sandbox's switches, so that it does something wrong for a test of a client."""

import dataclasses
import json
from typing import Any

from django.core.management.base import CommandParser

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard


class Command(ProjectCommand):
    help = (
        "Set switches of the sandbox, such as lost_response_rate=0.2 clock_offset_seconds=60 is_balance_exhausted=on; "
        "without any, show them; with --reset, turn all off. Prints the switches as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("switches", nargs="*", metavar="NAME=VALUE", help="a switch and its value")
        parser.add_argument("--reset", action="store_true", help="turn all switches off")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reset"]:
            switchboard.reset()
        try:
            changes = dict(_read(text) for text in options["switches"])
            board = switchboard.turn(**changes) if changes else switchboard.read()
        except switchboard.UnknownSwitch as error:
            self.stderr.write(str(error))
            raise SystemExit(2) from None
        self.stdout.write(json.dumps(dataclasses.asdict(board), indent=2))


def _read(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if value.lower() in ("on", "off", "true", "false"):
        return name, value.lower() in ("on", "true")
    try:
        return name, int(value) if value.lstrip("-").isdigit() else float(value)
    except ValueError:
        raise switchboard.UnknownSwitch(f"{text!r} is not like NAME=VALUE with a number, on or off.") from None
