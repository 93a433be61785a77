"""A description in a person's own words -> a concept, by steps that are kept and shown.

Steps: case and punctuation, how sure somebody is ("maybe dogs"), what is negated, spelling, alternatives, what is
shown ("all images contain water"), qualifiers ("color green", "striped pattern"), plural, core ("yellow train" names
trains), head noun. Synonyms do not replace words: they join groups (`grouping.py`), so that the people's own word
stays the label. Words of any script are kept whole, with their combining marks.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from annotator.labels.characters import clean_text
from annotator.labels.emptiness import drop_hedges, drop_negated, names_no_thing, says_nothing
from annotator.labels.lexicon import Lexicon
from annotator.labels.spelling import correct_word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLORS = _words(
    "black blue brown green gray grey orange pink purple red white yellow violet tan beige gold silver turquoise"
)
_DETERMINERS = _words("a an the this these any every each both some many all various several different of and")
# Before the head noun, these say how, not what. They are removed if the rest is a known word.
_COLOR_WORDS = _words("color colour colored coloured colors colours")
# Heads without a meaning of their own: "striped pattern", "round shape", "red objects".
_EMPTY_HEADS = _words(
    "pattern patterns texture textures shape shapes shaped design designs object objects thing things item items "
    "surface surfaces image images picture pictures photo photos color colors colour colours tone tones"
)
# Before a noun, these say how many there are, how they look, what of they are, or what they do: "yellow trains" are
# trains.
_ADDITIONS = COLORS | _words(
    "one two three four five six seven eight nine ten single double multiple few couple pair big small large little "
    "tiny huge tall short long wide narrow thick thin old new modern ancient bright dark pale colorful colourful "
    "vertical horizontal diagonal upright parallel standing sitting lying running moving flying parked open closed "
    "empty full blurry visible clear beautiful nice typical artificial natural outdoor indoor paved wooden metallic "
    "metal plastic concrete brick stone leather"
)
_WORDS_OF_RULES = _DETERMINERS | _COLOR_WORDS | _EMPTY_HEADS | COLORS
_BEFORE_WHAT_IS_SHOWN = re.compile(
    r"^(?:.*\b(?:contains?|contained|containing|showing|shows?|depicts?|has|have|having|includes?)\b"
    r"|(?:.*\b(?:images?|pictures?|photos?|photographs?|objects?|things?|items?|kinds?|types?|sorts?"
    r"|group|bunch|pieces?|bits?|couples?|dozens?|hundreds|rows?|shades?|lots?|collection|scenes?|views?"
    r"|colors?|colours?|drawings?|patterns?)\s+(?:of|with)\b)"
    r"|(?:there (?:is|are)|it is|it's|they are|looks? like|mostly|mainly))\s+(?=\w)"
)
_AFTER_THE_HEAD = re.compile(
    r"(?<=\w)\s+(?:of|with|without|but|not|except|in|on|against|at|from|for|under|over|near|by|to|that|which|like|no"
    r"|behind|inside|outside of|around|above|below|is|are|being|having)\s.*$"
)
_COLORS_OF_SOMETHING = re.compile(
    rf"(?:{'|'.join(sorted(COLORS))})(?:\s*(?:and|or|[,/&+])\s*(?:{'|'.join(sorted(COLORS))}))+\s+(?=\w)"
    r"(?!colou?rs?$|and\b|or\b)"
)
_ALTERNATIVES = re.compile(r"\s*(?:[,;/&+|]|\band\b|\bor\b)\s*")
_WORD = re.compile(r"[^\s,;/&+|]+")
# These name something with their head, and nothing alone.
_WHOLE_PHRASES = frozenset(["test pattern", "test patterns"])
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")


@dataclass(frozen=True)
class Step:
    rule: str
    before: str
    after: str


@dataclass(frozen=True)
class Concept:
    """`form` is the normalized phrase ("yellow school bus"), `head` its known last words; "" if nothing is said.

    `core`: the phrase without additions that say how ("school bus"); "" stands for the form itself.
    `is_apart`: a reviewer took it out of its group, so that only the same form joins it.
    """

    form: str
    head: str
    steps: tuple[Step, ...] = ()
    is_apart: bool = False
    core: str = ""

    @property
    def thing(self) -> str:
        """What is named: the core, else the form."""
        return self.core or self.form


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What the words of a campaign are compared with: their own counts, Broden's words, and the lexicon."""

    lexicon: Lexicon
    counts: Mapping[str, int] = field(default_factory=dict)
    # Broden's labels and their single words, normalized.
    targets: frozenset[str] = frozenset()
    _kept: dict[str, "Concept"] = field(default_factory=dict)
    _corrected: dict[str, str] = field(default_factory=dict)

    def knows(self, phrase: str) -> bool:
        return phrase in self.targets or self.lexicon.knows(phrase)

    def is_right(self, word: str) -> bool:
        singular = self.lexicon.singular(word)
        return word in _WORDS_OF_RULES or word in self.targets or singular in self.targets or self.lexicon.spells(word)

    def correct(self, word: str) -> str:
        """Found once for each word."""
        if word not in self._corrected:
            right = self.is_right(word)
            found = word if right else correct_word(word, counts=self.counts, targets=self._right_words)
            self._corrected[word] = found
        return self._corrected[word]

    @property
    def _right_words(self) -> frozenset[str]:
        # Without WordNet's 100,000 nouns: they show that a word is right, but any wrong word is near to one of them.
        return self.targets | self.lexicon.single_words


def build_vocabulary(
    *, descriptions: Iterable[str] | Mapping[str, int], labels: Iterable[str], lexicon: Lexicon
) -> Vocabulary:
    """Counts every word once for each description that uses it; a mapping says how often each was given."""
    counts: Counter[str] = Counter()
    for text, n_given in Counter(descriptions).items():
        counts.update(dict.fromkeys(filter(str.isalpha, _WORD.findall(clean_text(text, lexicon))), n_given))
    phrases = {phrase for label in labels if (phrase := clean_label(label))}
    words = {lexicon.singular(word) for phrase in phrases for word in phrase.split()}
    return Vocabulary(lexicon=lexicon, counts=counts, targets=frozenset(phrases | words))


def clean_label(label: str) -> str:
    """Broden's `dining_room-s`, `red-c` and `polka-dotted` as words: "dining room", "red", "polka dotted"."""
    return " ".join(re.sub(r"-[sc]$", "", label.strip().lower()).replace("_", " ").replace("-", " ").split())


def normalize_description(text: str, *, vocabulary: Vocabulary) -> Concept:
    """Equal texts give equal concepts within one vocabulary. Results are cached."""
    if text not in vocabulary._kept:
        vocabulary._kept[text] = _normalize(text, vocabulary)
    return vocabulary._kept[text]


def _normalize(text: str, vocabulary: Vocabulary) -> Concept:
    """What stands in brackets is an addition, unless nothing is said outside of them."""
    outside = text
    while (fewer := _BRACKETS.sub(" ", outside)) != outside:
        outside = fewer
    concept = _read(text, outside, vocabulary)
    return concept if concept.form or outside == text else _read(text, text, vocabulary)


def _read(text: str, kept: str, vocabulary: Vocabulary) -> Concept:
    """`kept`: the text that counts, with or without its brackets."""
    trail: list[Step] = []
    cleaned = _note(trail, "case and punctuation", text, clean_text(kept, vocabulary.lexicon))
    if says_nothing(cleaned):
        _note(trail, "says nothing", cleaned, "")
        return Concept(form="", head="", steps=tuple(trail))
    said = _note(trail, "how sure", cleaned, drop_hedges(cleaned))
    there = _note(trail, "what is negated", said, drop_negated(said))
    spelled = _note(trail, "spelling", there, _respell(there, vocabulary))
    chosen = _note(trail, "first alternative", spelled, _choose_alternative(spelled, vocabulary))
    shown = _note(trail, "what is shown", chosen, drop_negated(_find_what_is_shown(chosen)))
    plain = _note(trail, "qualifiers", shown, _drop_qualifiers(shown, vocabulary))
    form = _note(trail, "plural", plain, vocabulary.lexicon.singular(plain))
    if names_no_thing(plain) and (colors := _find_colors(spelled)):
        plain = form = _note(trail, "colors", form, colors)
    if names_no_thing(plain):
        _note(trail, "says nothing", form, "")
        return Concept(form="", head="", steps=tuple(trail))
    head, core = _find_head(form, vocabulary), _find_core(form, vocabulary)
    for rule, found in (("addition", core), ("head noun", head)):
        if found not in (form, ""):
            trail.append(Step(rule=rule, before=form, after=found))
    return Concept(form=form, head=head, steps=tuple(trail), core=core)


def _note(trail: list[Step], rule: str, before: str, after: str) -> str:
    if before != after:
        trail.append(Step(rule=rule, before=before, after=after))
    return after


def _respell(text: str, vocabulary: Vocabulary) -> str:
    return _WORD.sub(lambda found: vocabulary.correct(found.group()), text)


def _choose_alternative(text: str, vocabulary: Vocabulary) -> str:
    """The first known one of several; colors named together stay together ("black and white"), or are left aside
    where something else has them ("black and white stripes").
    """
    colored = _COLORS_OF_SOMETHING.match(text)
    parts = [part for part in _ALTERNATIVES.split(text[colored.end() :] if colored else text) if part]
    parts = [part for part in parts if drop_negated(part) and not says_nothing(part)] or parts[:1]
    if len(parts) < 2:
        return parts[0] if parts else ""
    if all(part in COLORS for part in parts):
        return " and ".join(sorted(parts))
    known = (part for part in parts if _is_known_phrase(part, vocabulary))
    return next(known, parts[0])


def _is_known_phrase(part: str, vocabulary: Vocabulary) -> bool:
    return part in _WHOLE_PHRASES or vocabulary.knows(part) or vocabulary.knows(vocabulary.lexicon.singular(part))


def _find_what_is_shown(text: str) -> str:
    shown = _BEFORE_WHAT_IS_SHOWN.sub("", text)
    return _AFTER_THE_HEAD.sub("", shown) or shown


def _drop_qualifiers(text: str, vocabulary: Vocabulary) -> str:
    """A known phrase stays whole: "work surface" is no "work"."""
    words = text.split()
    while len(words) > 1 and words[0] in _DETERMINERS:
        words = words[1:]
    if len(words) > 1 and set(words) & COLORS:
        words = [word for word in words if word not in _COLOR_WORDS]
    while len(words) > 1 and words[-1] in _EMPTY_HEADS and not _is_known_phrase(" ".join(words), vocabulary):
        words = words[:-1]
    return " ".join(words)


def _find_colors(text: str) -> str:
    """ "things in blue", "yellow and green items": the colors are all that is named."""
    there = re.split(r"\b(?:without|not|no|but|except)\b", text)[0]
    return " and ".join(sorted(set(_WORD.findall(there)) & COLORS))


def _find_head(form: str, vocabulary: Vocabulary) -> str:
    """The longest known ending of the phrase; else its last word."""
    words = form.split()
    if words and set(words) <= COLORS | {"and"}:
        return form
    endings = (" ".join(words[i:]) for i in range(len(words)))
    return next((ending for ending in endings if vocabulary.knows(ending)), words[-1] if words else "")


def _find_core(form: str, vocabulary: Vocabulary) -> str:
    """The phrase without leading additions, if it is not known as a whole; "" if there are none.

    Colors alone have no core: "red and green" is neither.
    """
    words = form.split()
    if set(words) <= COLORS | {"and"}:
        return ""
    first = 0
    while first < len(words) - 1 and words[first] in _ADDITIONS and not vocabulary.knows(" ".join(words[first:])):
        first += 1
    return " ".join(words[first:]) if first else ""
