"""An answer of three tasks about one unit: describe it, mark the crops that do not fit, choose a category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.answers import BadAnswer, clean_text, read_position, read_positions, write_percent
from annotator.crowd.hit_types.hit_type import JSON, AddsTo, Finding, HITType, ShownUnit, Sight, group_singly

MAX_DESCRIPTION = 100


@dataclass(frozen=True)
class Semantics:
    description: str
    category: SemanticCategory
    # Zero-based positions on the page, ascending.
    marked: tuple[int, ...]


class UnitSemantics:
    n_units = 1
    asks_phrase = False
    adds_to: AddsTo = "label"

    def group(self, n_chosen: int, *, seed: int) -> list[tuple[int, ...]]:
        return group_singly(n_chosen)

    def parse(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> Semantics:
        (unit,) = shown
        return Semantics(
            description=_read_description(values.get("description")),
            category=_read_category(values.get("category")),
            marked=read_positions(values.get("marked"), n_crops=len(unit.shown_ranks), field="marked"),
        )

    def clean_draft(self, values: Mapping[str, Any], shown: Sequence[ShownUnit]) -> JSON:
        (unit,) = shown
        marked = values.get("marked")
        positions = marked if isinstance(marked, list) else []
        return {
            "description": clean_text(str(values.get("description") or ""))[:200],
            "category": _clean_category(values.get("category")),
            "marked": sorted({p for p in positions if type(p) is int and 0 <= p < len(unit.shown_ranks)}),
        }

    def write_fields(self, answer: Semantics) -> dict[str, str]:
        marked = " ".join(str(position) for position in answer.marked)
        return {"description": answer.description, "category": answer.category.value, "marked": marked}

    def read_fields(self, fields: Mapping[str, str]) -> JSON:
        marked = [read_position(part, field="marked") for part in fields.get("marked", "").split()]
        return {"description": fields.get("description"), "category": fields.get("category"), "marked": marked}

    def score(self, answer: Semantics, shown: Sequence[ShownUnit]) -> list[Finding]:
        """Precision: unmarked top crops / top crops shown; planted negatives excluded (docs/measures.md)."""
        (unit,) = shown
        marked = {unit.shown_ranks[position] for position in answer.marked}
        n_top = len(unit.shown_ranks) - len(unit.planted_ranks)
        finding = Finding(
            position=unit.position,
            description=answer.description,
            category=answer.category.value,
            marked_ranks=tuple(sorted(marked)),
            precision=(n_top - len(marked - unit.planted_ranks)) / n_top if n_top else 0.0,
            n_planted_missed=len(unit.planted_ranks - marked),
        )
        return [finding]

    def summarize(self, findings: Sequence[Finding]) -> list[tuple[str, str]]:
        (finding,) = findings
        told = [
            ("description", finding.description or "(no words)"),
            ("category", finding.category or "no category"),
            ("precision", write_percent(finding.precision)),
        ]
        missed = finding.n_planted_missed
        return told + ([("planted missed", str(missed))] if missed else [])

    def simulate(self, sights: Sequence[Sight]) -> JSON:
        (sight,) = sights
        return {"description": sight.description, "category": sight.category.value, "marked": list(sight.marked)}


HIT_TYPE: HITType[Semantics] = UnitSemantics()


def _read_description(value: object) -> str:
    description = clean_text(value) if isinstance(value, str) else ""
    if not any(character.isalnum() for character in description):
        raise BadAnswer("Please describe in one word or short phrase what most of the crops show.", field="description")
    if len(description) > MAX_DESCRIPTION:
        raise BadAnswer(
            "Please use one word or short phrase, at most {n} characters.", field="description", n=MAX_DESCRIPTION
        )
    return description


def _clean_category(value: object) -> str:
    return next((category.value for category in SemanticCategory if category.value == value), "")


def _read_category(value: object) -> SemanticCategory:
    try:
        return SemanticCategory(value)  # type: ignore[arg-type]
    except ValueError:
        raise BadAnswer("Please choose one of the six categories.", field="category") from None
