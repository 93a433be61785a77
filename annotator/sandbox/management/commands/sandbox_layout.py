"""Keeps an HTML page with fields as a HIT layout of a requester of the sandbox."""

import json
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandParser

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.acts import publishing
from annotator.sandbox.api.limits import MAX_QUESTION_BYTES
from annotator.sandbox.models import Requester
from annotator.sandbox.questions import layouts
from annotator.sandbox.questions.documents import FRAME_HEIGHTS_PX


class Command(ProjectCommand):
    help = (
        "Keep the HTML page FILE as a HIT layout of the requester NAME and print its HITLayoutId and its fields as "
        "JSON. A field is written ${field} and gets its value by HITLayoutParameters. The same page of the same title "
        "keeps its id."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the requester's name")
        parser.add_argument("file", metavar="FILE", type=Path, help="UTF-8, at most 65,535 bytes")
        parser.add_argument("--title", default="", help="of the layout, at most 128 characters (the file's name)")
        parser.add_argument(
            "--height", type=int, default=0, help="of the frame in pixels; 0: as high as the window (0)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        requester = Requester.objects.filter(name=options["name"]).first()
        if requester is None:
            self._refuse(f"There is no requester {options['name']!r}.")
        if options["height"] not in FRAME_HEIGHTS_PX or len(options["title"]) > 128:
            self._refuse(f"--height is 0 to {FRAME_HEIGHTS_PX[-1]}, --title at most 128 characters.")
        kept = publishing.keep_layout(
            requester, name=options["title"] or options["file"].name[:128], content=self._read(options["file"]),
            frame_height_px=options["height"], now=switchboard.read().now(),
        )  # fmt: skip
        self.stdout.write(json.dumps({"HITLayoutId": kept.mturk_id, "fields": layouts.find_fields(kept.content)}))

    def _read(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_QUESTION_BYTES + 1)
            text = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(f"{path} cannot be read as UTF-8 text: {error}")
        if not text.strip() or "\x00" in text or len(content) > MAX_QUESTION_BYTES:
            self._refuse(f"{path} must hold 1 to {MAX_QUESTION_BYTES} bytes of HTML.")
        return text

    def _refuse(self, words: str) -> NoReturn:
        self.stderr.write(words)
        raise SystemExit(2)
