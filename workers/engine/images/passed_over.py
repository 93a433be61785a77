"""Files of an image set's folder that are no images of the set: counted by reason, some of them named."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from unicodedata import category

N_EXAMPLES = 3
# Longer paths find no place in the database.
MAX_PATH_LENGTH = 500


@dataclass(frozen=True)
class PassedOver:
    """How many files were passed over for a reason, and the first of them by name."""

    reason: str
    n_files: int
    examples: tuple[str, ...]

    def words(self) -> str:
        """For a person: `3 passed over (ending .heic, which is not read): a.heic, b.heic, c.heic`."""
        more = " and others" if self.n_files > len(self.examples) else ""
        return f"{self.n_files} passed over ({self.reason}): {', '.join(self.examples)}{more}"


def sum_up(found: Iterable[tuple[str, str]]) -> tuple[PassedOver, ...]:
    """Reasons and paths, by reason in alphabetical order."""
    by_reason: dict[str, list[str]] = {}
    for reason, path in sorted(found):
        by_reason.setdefault(reason, []).append(path)
    return tuple(
        PassedOver(reason=reason, n_files=len(paths), examples=tuple(map(show_path, paths[:N_EXAMPLES])))
        for reason, paths in by_reason.items()
    )


def find_fault(path: str) -> str:
    """Why a file of this path cannot be an image of a set, whatever it holds; empty if it can."""
    return find_path_fault(path) or find_hidden(path)


def find_path_fault(path: str) -> str:
    """Why no file of this path can be of a set, even if a file of labels names it; empty if it can."""
    if not is_text(path):
        return "name that is not UTF-8"
    return f"path of more than {MAX_PATH_LENGTH} characters" if len(path) > MAX_PATH_LENGTH else ""


def find_hidden(path: str) -> str:
    """Why a file of this path is an image of a set only if a file of labels names it; empty if it needs no name."""
    if PurePosixPath(path).name.startswith("._"):
        return "AppleDouble file"
    # Thumbnails, checkpoints and what was deleted; `.` and `..` are no names.
    is_hidden = any(part.startswith(".") and part.strip(".") for part in PurePosixPath(path).parts)
    return "hidden file, or in a hidden folder" if is_hidden else ""


def is_text(path: str) -> bool:
    """False if the file system's bytes are not UTF-8; Python stands surrogates for such bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def show_path(path: str) -> str:
    r"""A path that can be written anywhere: bytes that are not UTF-8 as `\xe9`."""
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    shown = "".join(
        letter if category(letter) != "Cc" else letter.encode("unicode_escape").decode() for letter in shown
    )
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
