"""What a simulated person sees on whole photographs, and what they answer about them: right but for a stated error.

A photograph is recognized by its smallest form: SIDE x SIDE means, compared with those of the image set. It shows every
label that its label maps hold. A description holds on a photograph if people call one of these labels by its words;
they read AND, OR and AND NOT.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.hit_type import Sight
from annotator.demo.people.judgement import Knowledge
from annotator.demo.people.library import Library
from annotator.demo.people.seeing import TileSight, key_tile
from annotator.demo.people.tempers import Person, draw
from annotator.studies.formulas import read_formula

SIDE = 14
# Gray around a photograph that is not square, as JPEG may change it; and the largest mean difference of one photograph.
GRAY, NEAR_GRAY, ALIKE = 128, 6, 9.0


class PhotographViewer:
    """Recognizes photographs of an image set."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._small = np.stack([_shrink(half) for half in library.half])

    def look(self, tiles: npt.NDArray[np.uint8]) -> list[TileSight]:
        """What each of (n, px, px, 3) tiles shows, by label numbers; None if it is not of the set."""
        return [TileSight(key_tile(tile), self._find_labels(_shrink(_take_gray_away(tile)))) for tile in tiles]

    def _find_labels(self, small: npt.NDArray[np.float32]) -> frozenset[int] | None:
        differences = np.abs(self._small - small).mean(axis=(1, 2, 3))
        nearest = int(differences.argmin())
        if differences[nearest] > ALIKE:
            return None
        numbers = {int(number) for labels in self.library.read_labels(nearest) for number in np.unique(labels)}
        return frozenset(numbers - {0})


def _shrink(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)


def _take_gray_away(tile: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    is_shown: npt.NDArray[np.bool_] = np.any(np.abs(tile.astype(np.int16) - GRAY) > NEAR_GRAY, axis=2)
    rows, columns = np.flatnonzero(is_shown.any(axis=1)), np.flatnonzero(is_shown.any(axis=0))
    if not len(rows):
        return tile
    return tile[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def answer_question(
    *, person: Person, sights: Sequence[TileSight], knowledge: Knowledge, seed: int, asked: dict[str, Any],
    error: float | None,
) -> Sight:  # fmt: skip
    """A person's answer to a question about photographs. `asked`: what the page says of it.

    `error`: how often an answer is wrong; None: as often as the person leaves a crop unmarked that does not fit, or
    half the time if they never look.
    """
    rate = error if error is not None else person.temper.miss if person.temper.looks else 0.5
    texts = [str(text) for text in asked["texts"]]
    holds = [_find_where(text, sights, knowledge) for text in texts]
    truth = holds[0] if len(asked["sections"]) == 1 and holds else _compare_groups(sights, asked["sections"])
    answers = tuple(
        is_true != (draw(seed, person.name, sight.key, *texts, "photograph") < rate)
        for sight, is_true in zip(sights, truth, strict=True)
    )
    shares = [sum(row) / max(1, len(sights)) for row in holds]
    return Sight(
        description="", category=SemanticCategory.OBJECT, marked=(), share_fitting=0.0,
        active_seconds=round(person.temper.active_seconds * (0.4 + 0.3 * draw(seed, person.name, *texts)), 1),
        answers=answers,
        text_shares=tuple(
            1 - share if draw(seed, person.name, text, "text") < rate else share
            for text, share in zip(texts, shares, strict=True)
        ),
        asks_grades=bool(asked.get("is_graded")),
    )  # fmt: skip


def _find_where(text: str, sights: Sequence[TileSight], knowledge: Knowledge) -> list[bool]:
    """Whether a description, or a formula of several, holds on each photograph."""
    formula = read_formula(text)
    named = [knowledge.find_named(name) for name in formula.names]
    shown = [np.array([float(bool(labels & (one.shows or frozenset()))) for one in sights]) for labels in named]
    return [bool(share > 0.5) for share in formula.combine(shown)]


def _compare_groups(sights: Sequence[TileSight], sections: Sequence[int]) -> list[bool]:
    """Of the last two photographs, the one that shows more of what the first section shows and the second does not."""
    if len(sections) < 3:
        return [False] * len(sights)
    n_first, n_second = sections[0], sections[1]
    scores: Counter[int] = Counter()
    for place, sight in enumerate(sights[: n_first + n_second]):
        for number in sight.shows or ():
            scores[number] += 1 if place < n_first else -1
    first, second = (sum(scores[number] for number in sight.shows or ()) for sight in sights[-2:])
    return [False] * (len(sights) - 2) + [first >= second, first < second]
