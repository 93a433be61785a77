"""The search finds what is meant: other words for it, kinds of it, numbers; and says what is near otherwise."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from annotator.dashboard.units.meaning import find_meaning
from annotator.dashboard.units.scope import find_scope
from annotator.dashboard.units.searching import find_units
from annotator.dashboard.units.selection import Selection, ShareField
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Unit
from tests.annotator.dashboard.making import World


@pytest.fixture
def named(world: World) -> World:
    """People call units 0 and 1 bicycle and car; labeled pixels call unit 4 pillar, a scene is unit 5's label."""
    for index, concept in ((0, "bicycle"), (1, "car")):
        UnitLabel.objects.filter(unit__index=index).update(concept=concept)
    for index, label in ((4, "column"), (5, "dining_room-s")):
        AutomaticLabel.objects.filter(unit__index=index).update(label=label)
    return world


@pytest.mark.parametrize(
    ("text", "units"),
    [("bike", {0}), ("Automobile ", {1}), ("vehicle", {0, 1}), ("pillar", {4}), ("dining room", {5}), ("bicy", {0}),
     ("3", {3}), ("unit 2", {2}), ("#2", {2}), ("features.3 unit 2", {2}), ("features.9 unit 2", set()),
     ("hot dog", set()), ("zzz", set())],
)  # fmt: skip
def test_a_text_finds_what_it_means(named: World, text: str, units: set[int]) -> None:
    by_pk = {unit.pk: unit.index for unit in Unit.objects.all()}
    found = find_units(Selection({"concept": text.strip()}), find_scope(Selection()), n_most=99)
    # "gadget 3" is the label of unit 3, and holds the number.
    assert {by_pk[pk] for pk in found} == units


def test_wider_and_near_words_are_offered(named: World, viewer: Client) -> None:
    UnitLabel.objects.filter(unit__index=0).update(concept="vehicle")
    page = viewer.get("/units/?concept=bicycle").content.decode()
    assert "Wider words" in page
    assert "concept=vehicle" in page
    assert "Near words" in page
    assert "brick wall" in viewer.get("/units/?concept=brick+wal+l").content.decode()
    assert "No name of a unit is spelled like" in viewer.get("/units/?concept=qqqqqq").content.decode()
    assert find_meaning("vehicle").same == ("vehicle",)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.75", 0.75), ("75", 0.75), ("75 %", 0.75), ("75%", 0.75), ("1", 1.0), ("1 %", 0.01), ("0", 0.0), ("", None)],
)
def test_shares_are_fractions_or_percent(text: str, share: float | None) -> None:
    assert ShareField(required=False).clean(text) == share


@pytest.mark.parametrize("text", ["1.5", "-0.1", "100.5", "101 %", "nan", "inf", "much"])
def test_what_is_no_share_or_may_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"share|fraction or percent"):
        ShareField(required=False).clean(text)
