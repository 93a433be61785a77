"""Files that lie beside photographs and hold labels in a form that no reader reads, so that a person is told."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from workers.engine.images.passed_over import show_path
from workers.engine.images.walking import find_kind_fault

N_BYTES = 16_384
# So many files of each ending are looked into, and so many tables named.
N_LOOKED_AT = 5
# By ending, what such a file holds in its beginning, and what it is.
FORMS = {
    ".xml": ((b"<annotations", "CVAT's XML"), (b"<annotation", "Pascal's XML")),
    ".json": (
        (b'"shapes"', "LabelMe's JSON"),
        (b'"regions"', "the JSON of VGG's annotator"),
        (b'"completed_by"', "Label Studio's JSON"),
    ),
    ".yaml": ((b"names:", "YOLO's lists of boxes"),),
}
TABLES = (".csv", ".tsv")


def tell_unread(root: Path, passed: Iterable[str]) -> Iterator[str]:
    """A sentence for each form of labels among the files below root that were passed over, and for tables in it."""
    paths = sorted(passed)
    told = set[str]()
    for ending, forms in FORMS.items():
        for path in [one for one in paths if one.lower().endswith(ending)][:N_LOOKED_AT]:
            start = _read_start(root / path)
            form = next((name for mark, name in forms if mark in start), "")
            if form and form not in told:
                told.add(form)
                yield f"{show_path(path)} holds labels in a form that is not read ({form}): export them as COCO's JSON."
    for path in [one for one in paths if one.lower().endswith(TABLES) and "/" not in one][:N_LOOKED_AT]:
        yield (
            f"{show_path(path)} is not read as labels: its first line has to name a column for the photograph "
            "(image, filename, ...) and one for the label (label, class, ...), as UTF-8 or UTF-16."
        )


def _read_start(file: Path) -> bytes:
    if find_kind_fault(file):
        return b""
    try:
        with file.open("rb") as opened:
            return opened.read(N_BYTES)
    except OSError:
        return b""
