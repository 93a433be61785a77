"""The relation of people's concept to Broden's label, and the rule that decides it (docs/measures.md, Relations).

"hypernym" means that the people's is the wider word; "part", that one is a part of the other. Every relation comes
with the rule that found it. The last word of a phrase alone never makes two phrases equal: a computer screen is a kind
of screen, and a hot dog no dog.
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
    PART = "part"
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


NOTHING_JOINS = Finding(Relation.DIFFERENT, "no rule joins them")


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
    """The whole phrase, then what is named without additions ("yellow train"), then the last words of both."""
    finding = _compare_words(people.form, broden.form, vocabulary)
    if finding.relation is Relation.DIFFERENT and people.thing != people.form:
        finding = _compare_words(people.thing, broden.form, vocabulary)
        if finding.relation is not Relation.DIFFERENT:
            finding = Finding(finding.relation, f"{finding.rule}; “{people.form}” says how")
    if finding.relation is Relation.DIFFERENT:
        finding = _compare_heads(people, broden, vocabulary)
    return finding if finding.relation is not Relation.DIFFERENT else _compare_parts(people, broden, vocabulary)


def _compare_heads(people: Concept, broden: Concept, vocabulary: Vocabulary) -> Finding:
    """ "pool" beside "swimming pool": a phrase is a kind of its last word, unless the lexicon lists what it means."""
    thing, lists_meaning = people.thing, vocabulary.lexicon.lists_meaning
    if people.head != thing and not lists_meaning(thing):
        by_head = _compare_words(people.head, broden.form, vocabulary)
        relation = Relation.HYPONYM if by_head.is_same_thing else by_head.relation
        if relation is not Relation.DIFFERENT:
            return Finding(relation, f"{by_head.rule}, by the head noun of “{people.form}”")
    if broden.form != broden.head and thing == broden.head and not lists_meaning(broden.form):
        return Finding(Relation.HYPERNYM, f"head noun of the label “{broden.form}”")
    if thing != broden.form and thing.rpartition(" ")[2] == broden.form and not lists_meaning(thing):
        return Finding(Relation.HYPONYM, f"“{thing}” is a known kind of {broden.form}")
    return NOTHING_JOINS


def _compare_parts(people: Concept, broden: Concept, vocabulary: Vocabulary) -> Finding:
    for part, whole in ((people.thing, broden.form), (broden.form, people.thing)):
        if source := vocabulary.lexicon.find_part(part, whole):
            return Finding(Relation.PART, f"{part} is a part of {whole} ({source})")
    return NOTHING_JOINS


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
    return NOTHING_JOINS
