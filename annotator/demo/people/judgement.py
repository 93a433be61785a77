"""A simulated person's answer about sixty tiles: a word, the tiles that do not fit, and a category."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import TypeVar

from annotator.crowd.campaigns.phrases import as_words
from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.hit_type import Sight
from annotator.demo.people.seeing import TileSight
from annotator.demo.people.tempers import Person, draw
from annotator.demo.pictures.vocabulary import CATEGORIES, SURFACES

T = TypeVar("T")
# People name objects before they name colors.
_EAGERNESS = {"color": 0.5}
# A second choice must be nearly as good as the first.
_NEARLY = 0.6
_HASTY_WORDS = ("object", "things", "picture", "nice", "colors", "shape")
_CATEGORY_OF = {
    "color": SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS,
    "object": SemanticCategory.OBJECT,
    "part": SemanticCategory.OBJECT_PART,
    "material": SemanticCategory.TEXTURE_OR_MATERIAL,
    "scene": SemanticCategory.SCENE,
    "texture": SemanticCategory.TEXTURE_OR_MATERIAL,
}


def list_words(category: str, name: str) -> tuple[str, ...]:
    """What people call a label, the most common word first; one that rendered sets do not have, by its own name."""
    return CATEGORIES.get(category, {}).get(name, (as_words(name),))


@dataclass(frozen=True)
class Knowledge:
    """What a person knows of the labels: (category, name) by number, and how common each is."""

    label_of: Mapping[int, tuple[str, str]]
    base_rates: Mapping[int, float]

    def find_named(self, phrase: str) -> set[int]:
        """The labels that people call by this word, in any category."""
        called = phrase.casefold().strip()
        return {
            number for number, (category, name) in self.label_of.items()
            if called in {word.casefold() for word in (name, as_words(name), *list_words(category, name))}
        }  # fmt: skip


def judge(*, person: Person, sights: Sequence[TileSight], knowledge: Knowledge, seed: int, phrase: str = "") -> Sight:
    """A person's answer about a unit; `sights` are in the page's order, which affects only the marked positions."""
    temper = person.temper
    unit = "".join(sorted(sight.key for sight in sights))
    chance = _Chance(seed, person.name, unit)
    ranked = rank_labels(sights, knowledge) if temper.looks else []
    seconds = round(temper.active_seconds * (0.7 + 0.6 * chance.of("seconds")), 1)
    share = _judge_phrase(sights, knowledge.find_named(phrase), person, chance)
    if not ranked:
        word = chance.pick("hasty", _HASTY_WORDS)
        category = chance.pick("category", tuple(SemanticCategory))
        marked = [p for p, sight in enumerate(sights) if chance.of("mark", sight.key) < temper.false_mark]
        return Sight(_mistype(word, chance, temper.typo), category, tuple(marked), share, seconds)
    second = len(ranked) > 1 and chance.of("second") < temper.second_choice
    number = ranked[1 if second else 0]
    category_name, name = knowledge.label_of[number]
    return Sight(
        description=_mistype(_choose_word(category_name, name, chance, temper.other_word), chance, temper.typo),
        category=_choose_category(category_name, name, chance, temper.wrong_category),
        marked=tuple(p for p, sight in enumerate(sights) if _is_marked(sight, {number}, person, chance)),
        share_fitting=share,
        active_seconds=seconds,
    )


def _judge_phrase(sights: Sequence[TileSight], named: set[int], person: Person, chance: "_Chance") -> float:
    """The share of the tiles that the phrase fits; a person who does not look gives any word."""
    if not person.temper.looks:
        return chance.of("phrase")
    return 1 - sum(_is_marked(sight, named, person, chance) for sight in sights) / len(sights)


def rank_labels(sights: Sequence[TileSight], knowledge: Knowledge) -> list[int]:
    """The best labels, best first: shown by many tiles, and by more tiles than expected by chance."""
    known = [sight.shows for sight in sights if sight.shows is not None]
    if not known:
        return []
    least = 1 / (len(known) * 20)
    telling: dict[int, float] = {}
    for number, count in Counter(number for shows in known for number in shows).items():
        share, base = count / len(known), knowledge.base_rates.get(number, 0.0)
        eagerness = _EAGERNESS.get(knowledge.label_of[number][0], 1.0)
        telling[number] = eagerness * share * log2((share + least) / (base + least))
    best = max(telling.values(), default=0.0)
    ranked = sorted(telling, key=lambda number: (-telling[number], number))
    return [number for number in ranked if telling[number] >= _NEARLY * best]


@dataclass(frozen=True)
class _Chance:
    """A person's random numbers for one unit."""

    seed: int
    name: str
    unit: str

    def of(self, *what: object) -> float:
        return draw(self.seed, self.name, self.unit, *what)

    def pick(self, what: str, choices: tuple[T, ...]) -> T:
        return choices[int(self.of(what) * len(choices))]


def _is_marked(sight: TileSight, named: set[int], person: Person, chance: _Chance) -> bool:
    """A tile that was not recognized is judged as not fitting."""
    fits = sight.shows is not None and not named.isdisjoint(sight.shows)
    luck = chance.of("mark", sight.key)
    return luck < person.temper.false_mark if fits else luck >= person.temper.miss


def _choose_word(category: str, name: str, chance: _Chance, other_word: float) -> str:
    words = list_words(category, name)
    if len(words) == 1 or chance.of("other word") >= other_word:
        return words[0]
    return chance.pick("which word", words[1:])


def _mistype(word: str, chance: _Chance, rate: float) -> str:
    """Swaps two neighboring letters now and then."""
    if len(word) < 5 or chance.of("typo") >= rate:
        return word
    at = 1 + int(chance.of("where") * (len(word) - 3))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _choose_category(category: str, name: str, chance: _Chance, wrong: float) -> SemanticCategory:
    right = _CATEGORY_OF.get(category, SemanticCategory.OBJECT)
    if category == "object" and name in SURFACES:
        right = SemanticCategory.REGION_OR_SURFACE
    if chance.of("wrong category") >= wrong:
        return right
    return chance.pick("which category", tuple(c for c in SemanticCategory if c is not right))
