"""Rendered pictures: the same each time, and labeled exactly where they are painted."""

import numpy as np
import pytest

from annotator.demo.pictures.canvas import LABEL_PX, PICTURE_PX, Canvas, Pen, Pose, Tag
from annotator.demo.pictures.concepts import DECK, draw_picture
from annotator.demo.pictures.palette import name_colors
from annotator.demo.pictures.things.table import OBJECT_OF, THINGS
from annotator.demo.pictures.vocabulary import CATEGORIES, INNER_PARTS, LABELS, NUMBERS, SURFACES

NAMES = {label.number: (label.category, label.name) for label in LABELS}


def test_every_concept_of_the_deck_shows_its_own_label_and_only_labels_of_the_right_category():
    for index, (kind, concept) in enumerate(DECK):
        if DECK.index((kind, concept)) != index:
            continue
        picture = draw_picture(seed=7, index=index)
        assert (picture.kind, picture.concept) == (kind, concept)
        wanted = NUMBERS[kind, OBJECT_OF.get(concept, concept)]
        assert (picture.maps[kind] == wanted).any(), concept
        for name, labels in picture.maps.items():
            assert labels.shape == (LABEL_PX, LABEL_PX)
            category = "part" if name == "inner part" else name
            for number in np.unique(labels[labels > 0]):
                assert NAMES[int(number)][0] == category
                if category == "part":
                    assert (NAMES[int(number)][1] in INNER_PARTS) == (name == "inner part")


def test_a_picture_follows_from_seed_and_index_alone():
    first, again = draw_picture(seed=3, index=20), draw_picture(seed=3, index=20)
    assert (first.pixels == again.pixels).all()
    assert all((first.maps[name] == again.maps[name]).all() for name in first.maps)
    assert (first.pixels != draw_picture(seed=4, index=20).pixels).any()
    # The deck comes round again with another picture of the same concept.
    assert (first.pixels != draw_picture(seed=3, index=20 + len(DECK)).pixels).any()


def test_labels_lie_exactly_where_the_paint_lies():
    canvas = Canvas(np.random.default_rng(0))
    before = canvas.rgb.copy()
    pen = Pen(canvas, Pose(x=200, y=240, size=100, angle=0.4, mirrored=True), "ball")
    pen.box((-1, -0.5, 0.7, 0.6), (0.9, 0.1, 0.1))
    pen.ellipse(0.1, 0.0, 0.3, 0.4, (0.1, 0.9, 0.1), part="eye")
    changed = (canvas.rgb != before).any(axis=-1)
    assert changed.any()
    assert ((canvas.maps["object"] == NUMBERS["object", "ball"]) == changed).all()
    green = canvas.rgb[..., 1] > canvas.rgb[..., 0]
    assert ((canvas.maps["inner part"] == NUMBERS["part", "eye"]) == (green & changed)).all()


def test_paint_over_paint_leaves_the_upper_label_alone():
    canvas = Canvas(np.random.default_rng(0))
    canvas.cover((0.5, 0.5, 0.5), Tag("wall", material="brick"))
    Pen(canvas, Pose(x=224, y=224, size=60), "clock").box((-1, -1, 1, 1), (0.2, 0.2, 0.9))
    inside = canvas.maps["object"] == NUMBERS["object", "clock"]
    assert inside[224, 224]
    assert (canvas.maps["material"][inside] == 0).all()
    assert (canvas.maps["material"][~inside] == NUMBERS["material", "brick"]).all()


def test_paint_beyond_the_canvas_is_cut_off():
    canvas = Canvas(np.random.default_rng(0))
    Pen(canvas, Pose(x=-400, y=10, size=100), "ball").ellipse(0, 0, 1, 1, (0.9, 0.1, 0.1))
    assert not canvas.maps["object"].any()
    Pen(canvas, Pose(x=0, y=0, size=100), "ball").ellipse(0, 0, 1, 1, (0.9, 0.1, 0.1))
    assert canvas.maps["object"][0, 0]
    assert not canvas.maps["object"][200, 200]


@pytest.mark.parametrize(
    ("pixel", "name"),
    [
        ((10, 10, 12), "black-c"),
        ((250, 250, 250), "white-c"),
        ((128, 128, 130), "grey-c"),
        ((220, 20, 25), "red-c"),
        ((30, 160, 40), "green-c"),
        ((30, 60, 210), "blue-c"),
        ((240, 220, 30), "yellow-c"),
        ((245, 140, 20), "orange-c"),
        ((130, 30, 190), "purple-c"),
        ((250, 150, 190), "pink-c"),
        ((110, 70, 35), "brown-c"),
    ],
)
def test_colors_have_the_names_that_people_give_them(pixel, name):
    assert name_colors(np.array([[pixel]], np.uint8))[0, 0] == NUMBERS["color", name]


def test_every_pixel_of_every_color_has_one_of_the_eleven_names():
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    assert set(np.unique(name_colors(cube))) == {NUMBERS["color", name] for name in CATEGORIES["color"]}


def test_the_vocabulary_is_one_numbering_of_everything_drawn():
    assert [label.number for label in LABELS] == list(range(1, len(LABELS) + 1))
    assert all(OBJECT_OF.get(name, name) in CATEGORIES["object"] for name in THINGS)
    assert set(CATEGORIES["object"]) >= SURFACES
    assert set(CATEGORIES["part"]) >= INNER_PARTS
    assert all(words for names in CATEGORIES.values() for words in names.values())


def test_pictures_differ_in_brightness_and_color_within_one_concept():
    rounds = [draw_picture(seed=1, index=5 + k * len(DECK)).pixels for k in range(6)]
    means = np.array([pixels.reshape(-1, 3).mean(axis=0) for pixels in rounds])
    assert all(pixels.shape == (PICTURE_PX, PICTURE_PX, 3) for pixels in rounds)
    assert np.ptp(means, axis=0).max() > 20
