"""What a HIT type is: the plain types between the frame that all HIT pages share and a folder of hit_templates/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from annotator.crowd.categories import SemanticCategory

JSON = dict[str, Any]
AddsTo = Literal["label", "metric"]
A = TypeVar("A")


@dataclass(frozen=True)
class ShownUnit:
    """One unit of a HIT as one assignment shows it. Ranks stand in the order of the page."""

    position: int
    shown_ranks: tuple[int, ...]
    planted_ranks: frozenset[int]
    phrase: str = ""
    # Of a question about photographs: its descriptions and their numbers in the order of the page, the right answers
    # that are known (number of a photograph -> answer), and what is asked besides.
    texts: tuple[str, ...] = ()
    text_numbers: tuple[int, ...] = ()
    gold: Mapping[int, bool] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What one assignment says about one of its units. None: the HIT type does not ask for it."""

    position: int
    says: JSON = field(default_factory=dict)
    # Numbers by name: fits, rating, chosen.
    metrics: Mapping[str, float] = field(default_factory=dict)
    description: str | None = None
    # A SemanticCategory; empty in some imported answers.
    category: str | None = None
    marked_ranks: tuple[int, ...] | None = None
    precision: float | None = None
    n_planted_missed: int | None = None


@dataclass(frozen=True)
class Sight:
    """What a simulated person makes of one shown unit. `marked` are positions on the page."""

    description: str
    category: SemanticCategory
    marked: tuple[int, ...]
    # Of the crops, the share that the unit's phrase fits; 0 without a phrase.
    share_fitting: float
    active_seconds: float
    # Of a question about photographs: for each photograph on the page, True if the question's answer is yes, and for
    # each description the share of photographs that it fits.
    answers: tuple[bool, ...] = ()
    text_shares: tuple[float, ...] = ()
    asks_grades: bool = False


class HITType(Protocol[A]):
    """One folder of hit_templates/ in code: `HIT_TYPE` of its `answer.py`. A is its own type of an answer."""

    n_units: int
    asks_phrase: bool
    # Only answers that add to a label are counted in labels, in precision, and over crops.
    adds_to: AddsTo

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        """Which of the chosen units stand together: one tuple of indexes for each HIT."""
        ...

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> A:
        """What the page submitted. Raises BadAnswer."""
        ...

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        """A draft may be incomplete, never impossible."""
        ...

    def write_fields(self, answer: A) -> dict[str, str]:
        """The answer as form fields that a marketplace keeps."""
        ...

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        """Those fields as values that `parse` takes. Raises BadAnswer."""
        ...

    def score(self, answer: A, shown: Sequence[ShownUnit]) -> list[Finding]:
        """One finding for each unit."""
        ...

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        """(name, text) in the order to read them; `summary.html` gets them as `words`."""
        ...

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        """What a simulated person submits who sees this; values that `parse` takes."""
        ...


def group_singly(n_chosen: int) -> list[tuple[int, ...]]:
    """One unit per HIT."""
    return [(index,) for index in range(n_chosen)]
