"""What a searched word means: names of units that mean the same or a kind of it, wider words, near words, numbers.

A word that the lexicon does not know is searched as letters alone (docs/looking.md, Search).
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection

from annotator.comparison.relations import SAME_THING, Relation, find_relation
from annotator.labels.concepts import Vocabulary
from annotator.labels.labeling import open_lexicon
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel

MAX_NEAR = 6
NEAR_ENOUGH = 0.6
# "12", "unit 12", "#12", "features.3 unit 12", "features.3 12".
NUMBERED = re.compile(r"(?:(?P<layer>(?!unit\s)\S*[^\s\d#]\S*)\s+)?(?:unit\s*|#)?(?P<index>\d{1,7})", re.IGNORECASE)
# Every name once, along an index that begins with it: a plain DISTINCT would read every row.
NAMES = """
WITH RECURSIVE found AS (
    (SELECT {column} AS name FROM {table} WHERE {condition} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {condition} AND {column} > found.name ORDER BY {column} LIMIT 1)
    FROM found WHERE found.name IS NOT NULL
) SELECT name FROM found WHERE name <> ''
"""


@dataclass(frozen=True)
class Meaning:
    """`same` and `narrower` are names of units, as they are stored; `wider` are names that include what was searched.
    `index`, and `layer` if one was named, if a unit's number was searched.
    """

    text: str
    names: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    index: int | None = None
    layer: str = ""

    @property
    def meant(self) -> list[str]:
        """The names that pass beside those that contain the text."""
        return [*self.same, *self.narrower]

    @property
    def told(self) -> list[str]:
        """Those that pass though they do not contain the text."""
        return [name for name in self.meant if self.text not in name.lower()]

    def find_near(self) -> list[str]:
        """Names that are spelled like the text; wider words come first."""
        spelled = difflib.get_close_matches(self.text, [name.lower() for name in self.names], MAX_NEAR, NEAR_ENOUGH)
        return list(dict.fromkeys([*self.wider, *spelled]))[:MAX_NEAR]


def find_meaning(text: str) -> Meaning:
    """Two queries."""
    text = " ".join(text.lower().split())
    numbered = NUMBERED.fullmatch(text)
    names = sorted(
        {*_list_names(UnitLabel, "concept", "is_of_record"), *_list_names(AutomaticLabel, "label", "is_best")}
    )
    related = dict(_relate_all(text, names))
    return Meaning(
        text=text,
        names=tuple(names),
        same=tuple(name for name, relation in related.items() if relation in SAME_THING),
        narrower=tuple(name for name, relation in related.items() if relation is Relation.HYPERNYM),
        wider=tuple(name for name, relation in related.items() if relation is Relation.HYPONYM),
        index=int(numbered["index"]) if numbered else None,
        layer=(numbered["layer"] or "") if numbered else "",
    )


def _list_names(model: type[UnitLabel] | type[AutomaticLabel], column: str, condition: str) -> list[str]:
    """Table, column and condition are this module's own words."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES.format(table=model._meta.db_table, column=column, condition=condition))
        return [str(name) for (name,) in cursor.fetchall()]


def _relate_all(text: str, names: Iterable[str]) -> Iterable[tuple[str, Relation]]:
    lexicon = open_lexicon()
    if not lexicon.knows(text) and not lexicon.knows(lexicon.singular(text)):
        return
    for name in names:
        yield name, _relate(text, name)


@lru_cache(maxsize=65_536)
def _relate(text: str, name: str) -> Relation:
    return find_relation(concept=text, label=name, vocabulary=_open_vocabulary()).relation


@lru_cache(maxsize=1)
def _open_vocabulary() -> Vocabulary:
    return Vocabulary(lexicon=open_lexicon())
