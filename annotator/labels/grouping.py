"""The answers of one unit grouped by what they name; the heaviest group's word is the unit's concept.

Each group has a word that somebody used, and the answers that it stands for: the same word, a synonym, a kind of it
(street for road), or a wider word (road for street). If two people said kinds of something ("phone booth", "telephone
booth") and nobody the word alone, the word that both used last may name the group.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from annotator.labels.concepts import Concept
from annotator.labels.lexicon import Lexicon

# As the last words of phrases, these name nothing that two phrases share.
_VAGUE = frozenset("area bit corner edge end kind part piece place scene side view way".split())  # noqa: SIM905


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


@dataclass(frozen=True)
class _Candidate:
    """A word and the answers it stands for, each with the reason.

    Weights: `n_users` of those who said it, also with additions; `implied` of those who said it or a kind of it.
    """

    word: Concept
    reasons: dict[int, str]
    n_users: float
    implied: float


def group_answers(answers: Sequence[NamedAnswer], *, lexicon: Lexicon) -> tuple[Group, ...]:
    """Heaviest group first. Empty descriptions join no group.

    A word is chosen for the weight of the answers that it stands for, then for the weight of those who used it, then
    of those who used it or a kind of it. Ties: higher summed precision, the shorter, then the alphabet.
    """
    left = [i for i, answer in enumerate(answers) if answer.concept.form]
    groups = []
    while left:
        chosen = _choose_word(answers, left, lexicon)
        groups.append(_make_group(answers, chosen))
        left = [i for i in left if i not in chosen.reasons]
    return tuple(sorted(groups, key=lambda group: (-group.weight, -group.summed_precision, group.name)))


def find_sameness(first: Concept, second: Concept, *, lexicon: Lexicon) -> str | None:
    """Why two descriptions name the same thing: the rule in words, or None."""
    if first.form == second.form or first.form.replace(" ", "") == second.form.replace(" ", ""):
        return "same form"
    if first.is_apart or second.is_apart:
        return None
    if source := lexicon.find_synonymy(first.form, second.form):
        return f"synonyms ({source})"
    if first.thing == second.thing:
        return f"both name {first.thing}"
    if source := lexicon.find_synonymy(first.thing, second.thing):
        return f"synonyms: {first.thing}, {second.thing} ({source})"
    return None


def find_kind(narrow: Concept, wide: Concept, *, lexicon: Lexicon) -> str | None:
    """Why the first names a kind of the second: the rule in words, or None."""
    if narrow.is_apart or wide.is_apart:
        return None
    if source := lexicon.find_wideness(wide.thing, narrow.thing):
        return f"{narrow.thing} is a kind of {wide.thing} ({source})"
    if narrow.head == narrow.thing or lexicon.lists_meaning(narrow.thing):
        return None
    if narrow.head == wide.thing or lexicon.find_synonymy(narrow.head, wide.thing):
        return f"{narrow.thing} is a kind of {wide.thing}, by its head noun"
    return None


def _choose_word(answers: Sequence[NamedAnswer], left: Sequence[int], lexicon: Lexicon) -> _Candidate:
    words = {answers[i].concept.form: answers[i].concept for i in left}
    for head in _find_shared_heads(list(words.values()), lexicon):
        words.setdefault(head, Concept(form=head, head=head))
    candidates = [_gather(word, answers, left, lexicon) for word in words.values()]

    def rank(one: _Candidate) -> tuple[float, float, float, float, int, str]:
        weight, precision = _sum(answers, one.reasons)
        return (-weight, -one.n_users, -one.implied, -precision, len(one.word.form), one.word.form)

    return min(candidates, key=rank)


def _find_shared_heads(words: Sequence[Concept], lexicon: Lexicon) -> list[str]:
    """Last words of at least two phrases whose meaning no table lists."""
    phrases = [
        one for one in words if not one.is_apart and one.head != one.form and not lexicon.lists_meaning(one.thing)
    ]
    counts = Counter(one.head for one in phrases)
    return [head for head, n in counts.items() if n >= 2 and head not in _VAGUE]


def _gather(word: Concept, answers: Sequence[NamedAnswer], left: Sequence[int], lexicon: Lexicon) -> _Candidate:
    reasons: dict[int, str] = {}
    n_users = implied = 0.0
    for i in left:
        concept, weight = answers[i].concept, answers[i].weight
        if concept.form == word.form:
            reasons[i] = "named"
            n_users += weight
            implied += weight
        elif reason := find_sameness(concept, word, lexicon=lexicon) or find_kind(concept, word, lexicon=lexicon):
            reasons[i] = reason
            implied += weight
            n_users += weight * (concept.thing == word.form)
        elif reason := find_kind(word, concept, lexicon=lexicon):
            reasons[i] = reason
    return _Candidate(word=word, reasons=reasons, n_users=round(n_users, 9), implied=round(implied, 9))


def _sum(answers: Sequence[NamedAnswer], members: dict[int, str]) -> tuple[float, float]:
    """Weight and precision, rounded so that the order of summing makes no difference."""
    weight = sum(answers[i].weight for i in members)
    return round(weight, 9), round(sum(answers[i].precision for i in members), 9)


def _make_group(answers: Sequence[NamedAnswer], chosen: _Candidate) -> Group:
    weight, precision = _sum(answers, chosen.reasons)
    return Group(
        name=chosen.word.form,
        members=tuple(chosen.reasons),
        weight=weight,
        summed_precision=precision,
        reasons=tuple(chosen.reasons.values()),
    )
