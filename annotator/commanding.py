"""The base of the project's commands."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.refusals import Refusal


class ProjectCommand(BaseCommand):
    """A refusal becomes one sentence on stderr and exit status 2, without a traceback."""

    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    # Django's own options work; --help and docs/commands.md list a command's own.
    suppressed_base_arguments = {
        "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color",
    }  # fmt: skip

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
