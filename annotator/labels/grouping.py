"""The answers of one unit grouped by what they name; the heaviest group's most used form is the unit's concept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotator.labels.concepts import Concept
from annotator.labels.lexicon import Lexicon


@dataclass(frozen=True)
class NamedAnswer:
    """One answer as grouping needs it; `weight` is 1 if its worker is not known."""

    concept: Concept
    weight: float
    precision: float


@dataclass(frozen=True)
class Group:
    """Positions of the answers that name one thing, and the reasons for grouping them."""

    name: str
    members: tuple[int, ...]
    weight: float
    summed_precision: float
    reasons: tuple[str, ...]


def group_answers(answers: Sequence[NamedAnswer], *, lexicon: Lexicon) -> tuple[Group, ...]:
    """Heaviest group first. Ties: higher summed precision, then the alphabet. Empty descriptions join no group.

    An answer joins the first group that holds an answer of the same form, a synonym, or the same head noun.
    """
    gathered: list[dict[int, str]] = []
    for i, answer in enumerate(answers):
        if not answer.concept.form:
            continue
        for members in gathered:
            if reason := _find_reason(answer.concept, [answers[j].concept for j in members], lexicon):
                members[i] = reason
                break
        else:
            gathered.append({i: "named"})
    groups = [_make_group(answers, members) for members in gathered]
    return tuple(sorted(groups, key=lambda group: (-group.weight, -group.summed_precision, group.name)))


def find_sameness(first: Concept, second: Concept, *, lexicon: Lexicon) -> str | None:
    """Why two descriptions name the same thing: the rule in words, or None."""
    if first.form == second.form or first.form.replace(" ", "") == second.form.replace(" ", ""):
        return "same form"
    if first.is_apart or second.is_apart:
        return None
    if source := lexicon.find_synonymy(first.form, second.form):
        return f"synonyms ({source})"
    if first.head == second.head:
        return f"same head noun: {first.head}"
    if source := lexicon.find_synonymy(first.head, second.head):
        return f"head nouns are synonyms: {first.head}, {second.head} ({source})"
    return None


def _find_reason(concept: Concept, others: Sequence[Concept], lexicon: Lexicon) -> str | None:
    return next((why for other in others if (why := find_sameness(concept, other, lexicon=lexicon))), None)


def _make_group(answers: Sequence[NamedAnswer], members: Mapping[int, str]) -> Group:
    return Group(
        name=choose_form([answers[i] for i in members]),
        members=tuple(members),
        weight=sum(answers[i].weight for i in members),
        summed_precision=sum(answers[i].precision for i in members),
        reasons=tuple(members.values()),
    )


def choose_form(answers: Sequence[NamedAnswer]) -> str:
    """The form of most weight. Ties: higher summed precision, the shorter, then the alphabet."""
    forms = {answer.concept.form for answer in answers}

    def rank(form: str) -> tuple[float, float, int, str]:
        users = [answer for answer in answers if answer.concept.form == form]
        return (-sum(a.weight for a in users), -sum(a.precision for a in users), len(form), form)

    return min(forms, key=rank)
