"""What HIT types share in reading answers and in writing about them. Pure."""

import unicodedata
from collections.abc import Sequence

from annotator.refusals import Refusal

# A whole day; what a page claims beyond it is a broken clock.
MAX_ACTIVE_SECONDS = 86_400.0


class BadAnswer(Refusal):
    """An answer is incomplete or impossible; `field` names the task that the person should look at.

    `message` is English, with {names} for `values`: the page translates it before they are put in.
    """

    def __init__(self, message: str, *, field: str, **values: int) -> None:
        super().__init__(message.format(**values))
        self.message, self.values = message, values
        self.field = field


def clean_text(text: str) -> str:
    """One line, without control characters, spaces collapsed, Unicode composed."""
    composed = unicodedata.normalize("NFC", text)
    printable = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in composed)
    return " ".join(printable.split())


def read_positions(value: object, *, n_crops: int, field: str) -> tuple[int, ...]:
    """Positions of crops on the page, ascending, each once. Raises BadAnswer."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadAnswer("The marked crops did not arrive: please try again.", field=field)
    if not all(type(position) is int and 0 <= position < n_crops for position in value):
        raise BadAnswer("A marked crop is not one of the {n} shown: please try again.", field=field, n=n_crops)
    return tuple(sorted(set(value)))


def read_position(text: str, *, field: str) -> int:
    """A position as a marketplace keeps it. Raises BadAnswer."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadAnswer("The marketplace's answer names a crop that was not shown.", field=field)
    return int(text)


def read_seconds(value: object) -> float:
    """Active seconds as the page measured them; 0 if the value is not a number between 0 and a day."""
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if 0 <= seconds <= MAX_ACTIVE_SECONDS else 0.0


def write_percent(share: float | None) -> str:
    """Rounded to whole percents; a dash for None."""
    return "–" if share is None else f"{100 * round(share, 2):.0f} %"
