"""Pure: an assignment's JSON or XML becomes an Answer (description, category, marks) or a Verdict, or is refused."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.tile_order import TileOrder
from annotator.refusals import Refusal

LONGEST_DESCRIPTION = 100
# A whole day; what a page claims beyond it is a broken clock.
LONGEST_ACTIVE_SECONDS = 86_400.0


class BadAnswer(Refusal):
    """An answer is incomplete or impossible; `field` names the task that the person should look at."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Answer:
    description: str
    category: SemanticCategory
    # Zero-based positions on the page, ascending.
    marked: tuple[int, ...]
    active_seconds: float


@dataclass(frozen=True)
class Verdict:
    """Yes or no to the HIT's phrase."""

    fits: bool
    active_seconds: float


@dataclass(frozen=True)
class Score:
    marked_ranks: tuple[int, ...]
    # Unmarked top crops / top crops shown; planted negatives excluded (science.md section 5).
    precision: float
    n_planted_missed: int


def read_work(values: Mapping[str, Any], *, kind: str, n_crops: int) -> Answer | Verdict:
    """What a page of this kind submitted; `kind` is the HIT type's."""
    return read_verdict(values) if kind == "verdict" else read_answer(values, n_crops=n_crops)


def read_verdict(values: Mapping[str, Any]) -> Verdict:
    verdict = values.get("verdict")
    if verdict not in ("yes", "no"):
        raise BadAnswer("Please answer yes or no.", field="verdict")
    return Verdict(fits=verdict == "yes", active_seconds=read_seconds(values.get("active_seconds")))


def read_answer(values: Mapping[str, Any], *, n_crops: int) -> Answer:
    return Answer(
        description=_read_description(values.get("description")),
        category=_read_category(values.get("category")),
        marked=_read_marked(values.get("marked"), n_crops=n_crops),
        active_seconds=read_seconds(values.get("active_seconds")),
    )


def write_raw(work: Answer | Verdict) -> dict[str, Any]:
    """The answer as it was understood, as JSON that `read_work` reads again."""
    if isinstance(work, Verdict):
        return {"verdict": "yes" if work.fits else "no", "active_seconds": work.active_seconds}
    return {
        "description": work.description,
        "category": work.category.value,
        "marked": list(work.marked),
        "active_seconds": work.active_seconds,
    }


def score_answer(answer: Answer, order: TileOrder) -> Score:
    marked = {order.shown_ranks[position] for position in answer.marked}
    planted = set(order.planted_ranks)
    n_top = len(order.shown_ranks) - len(planted)
    return Score(
        marked_ranks=tuple(sorted(marked)),
        precision=(n_top - len(marked - planted)) / n_top if n_top else 0.0,
        n_planted_missed=len(planted - marked),
    )


def clean_description(text: str) -> str:
    """One line, without control characters, spaces collapsed, Unicode composed."""
    composed = unicodedata.normalize("NFC", text)
    printable = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in composed)
    return " ".join(printable.split())


def _read_description(value: object) -> str:
    description = clean_description(value) if isinstance(value, str) else ""
    if not any(character.isalnum() for character in description):
        raise BadAnswer("Please describe in one word or short phrase what most of the crops show.", field="description")
    if len(description) > LONGEST_DESCRIPTION:
        raise BadAnswer(
            f"Please use one word or short phrase, at most {LONGEST_DESCRIPTION} characters.", field="description"
        )
    return description


def _read_category(value: object) -> SemanticCategory:
    try:
        return SemanticCategory(value)  # type: ignore[arg-type]
    except ValueError:
        raise BadAnswer("Please choose one of the six categories.", field="category") from None


def _read_marked(value: object, *, n_crops: int) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadAnswer("The marked crops did not arrive: please try again.", field="marked")
    if not all(type(position) is int and 0 <= position < n_crops for position in value):
        raise BadAnswer(f"A marked crop is not one of the {n_crops} shown: please try again.", field="marked")
    return tuple(sorted(set(value)))


def read_seconds(value: object) -> float:
    """Active seconds as the page measured them; what is no number between nothing and a day counts as nothing."""
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if 0 <= seconds <= LONGEST_ACTIVE_SECONDS else 0.0
