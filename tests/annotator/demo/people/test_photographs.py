"""Simulated people on whole photographs: what they see is what the label maps say, and they err as often as stated."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pixels

from annotator.crowd.page.sheets import draw_sheet
from annotator.demo.people.judgement import Knowledge
from annotator.demo.people.library import Library
from annotator.demo.people.photographs import PhotographViewer, answer_question
from annotator.demo.people.seeing import TileSight
from annotator.demo.people.tempers import gather_people
from annotator.demo.pictures.rendering import render_set
from annotator.units.models import Image, ImageSet
from annotator.units.photographs import TILE_PX, _draw_tile

(ADA,) = gather_people(n_people=1)
KNOWLEDGE = Knowledge(label_of={1: ("object", "lamp"), 2: ("object", "car")}, base_rates={})


def test_photographs_on_a_sheet_are_recognized_and_strangers_are_not(tmp_path: Path) -> None:
    render_set(folder=tmp_path / "set", n_images=24, seed=11, n_jobs=1)
    library = Library(tmp_path / "set")
    names = [row["image"] for row in library.rows]
    tiles = [_draw_tile(tmp_path / "set" / "images" / name, Image(path=name, image_set=ImageSet())) for name in names]
    drawn = [Pixels.open(io.BytesIO(tile)).convert("RGB") for tile in tiles[:20]]
    drawn[4] = Pixels.effect_noise((TILE_PX, TILE_PX), 90).convert("RGB")
    sheet = np.asarray(Pixels.open(io.BytesIO(draw_sheet(drawn))).convert("RGB"))
    cut = sheet.reshape(4, TILE_PX, 5, TILE_PX, 3).swapaxes(1, 2).reshape(-1, TILE_PX, TILE_PX, 3)
    shown = [sight.shows for sight in PhotographViewer(library).look(cut)]
    expected = [
        frozenset(int(n) for labels in library.read_labels(at) for n in np.unique(labels)) - {0} for at in range(20)
    ]
    assert shown[4] is None
    assert [shown[at] for at in range(20) if at != 4] == [expected[at] for at in range(20) if at != 4]


@pytest.mark.parametrize("error", [0.0, 0.2])
def test_an_answer_is_wrong_as_often_as_stated(error: float) -> None:
    sights = [TileSight(f"tile {at}", frozenset({1 + at % 2})) for at in range(4000)]
    asked = {"texts": ["lamp"], "sections": [4000]}
    sight = answer_question(person=ADA, sights=sights, knowledge=KNOWLEDGE, seed=3, asked=asked, error=error)
    wrong = np.mean([answer == bool(at % 2) for at, answer in enumerate(sight.answers)])
    assert abs(wrong - error) < 0.03


def test_of_two_photographs_that_is_chosen_which_shows_what_the_first_group_shows() -> None:
    groups = [TileSight(f"a{at}", frozenset({1})) for at in range(9)]
    groups += [TileSight(f"b{at}", frozenset({2})) for at in range(9)]
    two = [TileSight("c", frozenset({2})), TileSight("d", frozenset({1}))]
    asked = {"texts": [], "sections": [9, 9, 2]}
    sight = answer_question(person=ADA, sights=groups + two, knowledge=KNOWLEDGE, seed=3, asked=asked, error=0.0)
    assert sight.answers[-2:] == (False, True)


def test_a_formula_is_answered_as_its_words_say() -> None:
    sights = [TileSight(f"tile {at}", frozenset(shows)) for at, shows in enumerate([{1}, {2}, {1, 2}, set()])]
    asked = {"texts": ["lamp AND NOT car"], "sections": [4]}
    sight = answer_question(person=ADA, sights=sights, knowledge=KNOWLEDGE, seed=3, asked=asked, error=0.0)
    assert sight.answers == (True, False, False, False)
