"""The relation of people's concept to Broden's label, and the rule that decides it (docs/measures.md, Relations).

"hypernym" means that the people's is the wider word. Every relation comes with the rule that found it.
"""

from dataclasses import dataclass
from enum import StrEnum

from annotator.labels.concepts import Concept, Vocabulary, clean_label, normalize_description


class Relation(StrEnum):
    """Of the people's concept to Broden's label."""

    EQUAL = "equal"
    SYNONYM = "synonym"
    HYPERNYM = "hypernym"
    HYPONYM = "hyponym"
    DIFFERENT = "different"


SAME_THING = frozenset({Relation.EQUAL, Relation.SYNONYM})
# Scene labels end in a word that tells Places' classes apart (whose place, indoor or outdoor). It names nothing.
PLACE_MARKERS = frozenset({"indoor", "outdoor", "interior", "exterior", "home", "public", "shop", "vehicle"})


@dataclass(frozen=True)
class Finding:
    relation: Relation
    rule: str

    @property
    def is_same_thing(self) -> bool:
        return self.relation in SAME_THING


def find_relation(*, concept: str, label: str, vocabulary: Vocabulary) -> Finding:
    """Of a unit's concept by people to its label by Broden, such as `dining_room-s` or `polka-dotted`."""
    people = normalize_description(concept, vocabulary=vocabulary)
    if not people.form:
        return Finding(Relation.DIFFERENT, "people named nothing")
    name, qualifier = _split_label(label)
    broden = _read_label(name, vocabulary)
    finding = _compare(people, broden, vocabulary)
    if qualifier and qualifier not in PLACE_MARKERS:
        whole = _compare(people, _read_label(f"{qualifier} {name}", vocabulary), vocabulary)
        if whole.is_same_thing or finding.relation is Relation.DIFFERENT:
            return whole
        if finding.is_same_thing:
            return Finding(Relation.HYPERNYM, f"{label} is a kind of {broden.form}")
    return finding


def _split_label(label: str) -> tuple[str, str]:
    """Of a scene, `forest-broadleaf-s` -> forest, broadleaf; other labels may hold hyphens of their own."""
    if not label.endswith("-s"):
        return clean_label(label), ""
    name, _, qualifier = label.removesuffix("-s").partition("-")
    return clean_label(name), clean_label(qualifier)


def _read_label(name: str, vocabulary: Vocabulary) -> Concept:
    form = vocabulary.lexicon.singular(name)
    return Concept(form=form, head=form.rpartition(" ")[2])


def _compare(people: Concept, broden: Concept, vocabulary: Vocabulary) -> Finding:
    """The whole phrase first, then its head noun if the phrase is not a known word."""
    finding = _compare_words(people.form, broden.form, vocabulary)
    if finding.relation is not Relation.DIFFERENT:
        return finding
    if people.head != people.form:
        by_head = _compare_words(people.head, broden.form, vocabulary)
        if by_head.relation is not Relation.DIFFERENT:
            return Finding(by_head.relation, f"{by_head.rule}, by the head noun of “{people.form}”")
    return _compare_endings(people, broden)


def _compare_words(people: str, broden: str, vocabulary: Vocabulary) -> Finding:
    lexicon = vocabulary.lexicon
    if people == broden or people.replace(" ", "") == broden.replace(" ", ""):
        return Finding(Relation.EQUAL, "same word")
    if source := lexicon.find_synonymy(people, broden):
        return Finding(Relation.SYNONYM, f"{people} = {broden} ({source})")
    if source := lexicon.find_wideness(people, broden):
        return Finding(Relation.HYPERNYM, f"{broden} is a kind of {people} ({source})")
    if source := lexicon.find_wideness(broden, people):
        return Finding(Relation.HYPONYM, f"{people} is a kind of {broden} ({source})")
    return Finding(Relation.DIFFERENT, "no rule joins them")


def _compare_endings(people: Concept, broden: Concept) -> Finding:
    """ "table" beside "pool table": a phrase's last word is wider than the phrase."""
    if broden.form != broden.head and people.form == broden.head:
        return Finding(Relation.HYPERNYM, f"head noun of the label “{broden.form}”")
    if people.form != broden.form and people.form.rpartition(" ")[2] == broden.form:
        return Finding(Relation.HYPONYM, f"“{people.form}” is a known kind of {broden.form}")
    return Finding(Relation.DIFFERENT, "no rule joins them")
