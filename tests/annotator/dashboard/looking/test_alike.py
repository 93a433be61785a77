"""Units like a unit, by a count over all pairs, and units side by side."""

import copy
import re
import uuid

import pytest
from django.test import Client

from annotator.dashboard.looking import similarity
from annotator.dashboard.looking.similarity import count_pairs, find_alike, overlap
from annotator.dashboard.units.scope import find_scope
from annotator.dashboard.units.selection import Selection
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Image, TopImage
from tests.annotator.dashboard.making import World

UNITS = "/units/net/features.3"


@pytest.fixture
def spread(world: World) -> World:
    """Unit i has the images 2 i, 2 i + 1, ... as its top images; unit 2's crops lie elsewhere than the others'."""
    images = list(Image.objects.order_by("index"))
    for row in TopImage.objects.filter(is_low=False).select_related("dissected_unit__unit"):
        index = row.dissected_unit.unit.index
        place = (2 * index + row.rank) % len(images)
        left = 40 if index == 2 else 0
        TopImage.objects.filter(pk=row.pk).update(image=images[place], crop_left=left)
    return world


def square(row: TopImage) -> tuple[int, int, int]:
    return (row.crop_left, row.crop_top, row.crop_side)


@pytest.mark.parametrize("n_counted", [similarity.N_COUNTED, 2])
def test_what_units_share_is_what_a_count_over_all_pairs_finds(
    spread: World, monkeypatch: pytest.MonkeyPatch, n_counted: int
) -> None:
    monkeypatch.setattr(similarity, "N_COUNTED", n_counted)
    scope = find_scope(Selection({}))
    rows = list(TopImage.objects.filter(is_low=False).select_related("dissected_unit__unit"))
    for mine in DissectedUnit.objects.select_related("dissection", "unit__layer"):
        own = {row.image_id: row for row in rows if row.dissected_unit_id == mine.pk}
        shared: dict[int, list[TopImage]] = {}
        for row in rows:
            if row.image_id in own and row.dissected_unit_id != mine.pk:
                shared.setdefault(row.dissected_unit.unit.index, []).append(row)
        together = {
            index: sum(overlap(square(row), square(own[row.image_id])) >= 1 / 3 for row in found)
            for index, found in shared.items()
        }
        alike = find_alike(mine, scope)
        found = [(one.card.index, one.n_shared, one.n_together) for one in alike.by_photographs]
        assert sorted(found) == sorted((index, len(rows), together[index]) for index, rows in shared.items())
        assert [n for _, n, _ in found] == sorted((n for _, n, _ in found), reverse=True)
        assert {one.card.index for one in alike.by_places} == {index for index, n in together.items() if n}


@pytest.mark.parametrize(
    ("other", "expected"), [((0, 0, 64), 1.0), ((32, 0, 64), 1 / 3), ((64, 0, 64), 0.0), ((0, 0, 32), 0.25)]
)
def test_overlap_of_squares(other: tuple[int, int, int], expected: float) -> None:
    assert overlap((0, 0, 64), other) == pytest.approx(expected)


def test_units_of_the_same_name_are_listed_with_synonyms_and_by_their_label(spread: World, viewer: Client) -> None:
    AutomaticLabel.objects.filter(unit__index__in=[1, 3]).update(label="gadget")
    page = viewer.get(f"{UNITS}/0/similar/").content.decode()
    people = page.split('id="people-title"')[1].split("</section>")[0]
    assert re.findall(r"features\.3 unit (\d)</strong>", people) == ["4"]  # both are wheels
    page = viewer.get(f"{UNITS}/1/similar/").content.decode()
    pixels = page.split('id="pixels-title"')[1].split("</section>")[0]
    assert re.findall(r"features\.3 unit (\d)</strong>", pixels) == ["3"]


def test_units_over_different_image_sets_have_no_photographs_to_share(spread: World) -> None:
    one, other = DissectedUnit.objects.select_related("dissection", "unit")[:2]
    assert count_pairs([one, other])
    other.dissection = Dissection(image_set_id=one.dissection.image_set_id + 1)
    assert not count_pairs([one, other])


def test_a_second_dissection_of_a_layer_lists_no_unit_twice(spread: World) -> None:
    first = DissectedUnit.objects.select_related("dissection", "unit__layer").earliest("pk")
    scope = find_scope(Selection({}))
    newer = copy.copy(first.dissection)
    newer.pk, newer.artifact_name = uuid.uuid4(), "other"
    newer.save(force_insert=True)
    for row in DissectedUnit.objects.filter(dissection=first.dissection_id):
        tops = list(row.top_images.filter(is_low=False))
        row.pk, row.dissection = None, newer
        row.save(force_insert=True)
        for top in tops:
            top.pk, top.dissected_unit = None, row
            top.save(force_insert=True)
    assert scope.dissections
    scope.dissections[first.unit.layer_id + 1] = newer
    alike = find_alike(first, scope)
    indexes = [one.card.index for one in alike.by_photographs]
    assert len(indexes) == len(set(indexes))


def test_two_to_four_units_stand_side_by_side(spread: World, viewer: Client) -> None:
    names = [f"unit=net/features.3/{index}" for index in range(5)]
    page = viewer.get(f"/units/beside/?{'&'.join(names[:4])}").content.decode()
    assert re.findall(r'id="unit-\d"><a[^>]*href="([^"]+)"', page) == [f"{UNITS}/{index}/" for index in range(4)]
    shared = re.findall(r"with (\d): (\d+|–)", page)
    images = {
        index: set(
            TopImage.objects.filter(dissected_unit__unit__index=index, is_low=False).values_list("image", flat=True)
        )
        for index in range(4)
    }
    expected = [
        (str(other + 1), str(len(images[one] & images[other])))
        for one in range(4)
        for other in range(4)
        if one != other
    ]
    assert shared == expected
    for wrong in ("", names[0], "&".join(names)):
        assert viewer.get(f"/units/beside/?{wrong}").status_code == 422, wrong
    for unknown in ("net/features.3/99", "net/features.3/x", "x", "net/features.4/0"):
        assert viewer.get(f"/units/beside/?{names[0]}&unit={unknown}").status_code == 404, unknown
    assert viewer.get("/units/net/features.3/99/similar/").status_code == 404
