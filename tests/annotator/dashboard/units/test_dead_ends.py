"""The gallery and the pages of units lead on to what exists."""

import re

from django.test import Client

from annotator.accounts.models import Role
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Unit
from tests.annotator.dashboard.making import World, sign_in


def test_the_next_unit_is_one_that_exists(world: World, viewer: Client) -> None:
    Unit.objects.filter(index=2).update(index=50)
    for page in ("", "walk/"):
        shown = viewer.get(f"/units/net/features.3/1/{page}")
        assert (shown.context["previous_index"], shown.context["next_index"]) == (0, 3)
    last = viewer.get("/units/net/features.3/50/")
    assert (last.context["previous_index"], last.context["next_index"]) == (5, None)


def test_without_any_unit_the_gallery_tells_how_to_begin(viewer: Client) -> None:
    page = viewer.get("/units/").content.decode()
    assert "Nothing has been dissected yet" in page
    assert "No unit matches these filters" not in page


def test_the_order_that_is_missing_is_said(world: World, viewer: Client) -> None:
    AutomaticLabel.objects.all().delete()
    for sort, reason in (
        ("iou", "These units have no label by labeled pixels"),
        ("importance", "have no measured importance"),
    ):
        assert reason in viewer.get(f"/units/?sort={sort}").content.decode(), sort
    # The last unit of the world has answers to no question, the others are labeled.
    assert "1 of these units has no label by people here" in viewer.get("/units/?sort=precision").content.decode()
    assert "in the order of measuring" not in viewer.get("/units/?sort=index").content.decode()


def test_home_is_headed_by_what_its_units_have(world: World, viewer: Client) -> None:
    def head() -> str:
        return str(viewer.get("/").context["shown_as"])

    assert head() == "Units with the highest precision, by where its interval begins"
    UnitLabel.objects.all().delete()
    assert head() == "Units with the highest IoU"
    AutomaticLabel.objects.all().delete()
    shown = viewer.get("/")
    assert (shown.context["shown_as"], len(shown.context["cards"])) == ("Units", Unit.objects.count())


def test_a_form_without_anything_to_choose_says_how_to_get_it(db: None) -> None:
    researcher = sign_in(Role.RESEARCHER)
    for address, hints in {
        "/dissections/new/": ["manage.py register"] * 2,
        "/readouts/": ["manage.py register"] * 2,
        "/launch/": ["/dissections/", ""],  # nobody needs to be excluded
        "/plan/": ["/dissections/new/"],
    }.items():
        page = researcher.get(address).content.decode()
        said = re.findall(r"None yet\.(.*?)</span>", page)
        assert len(said) == len(hints), address
        assert all(hint in found for hint, found in zip(hints, said, strict=True)), (address, said)
        assert not re.search(r"<select[^>]*>\s*</select>", page), address


def test_the_sidebar_marks_where_one_is(world: World, viewer: Client) -> None:
    image_set = world.dissection.image_set.name
    for address in ("/units/net/features.3/1/", "/layers/net/", f"/images/{image_set}/0/"):
        groups = viewer.get(address).context["sidebar_navigation"]
        marked = [str(item["title"]) for group in groups for item in group["items"] if item["active"]]
        assert marked == ["Units"], address


EMPTY = ("/", "/units/", "/review/", "/campaigns/", "/studies/", "/layers/", "/networks/", "/methods/", "/dissections/")


def test_an_empty_installation_leads_to_the_next_step(db: None) -> None:
    for role in (Role.VIEWER, Role.RESEARCHER):
        person = sign_in(role)
        for address in EMPTY:
            boxes = re.findall(r'us-empty">(.*?)</div>', person.get(address).content.decode(), re.DOTALL)
            assert boxes, address
            for box in boxes:
                assert re.search("href=|<code>|Researchers|comes first", box), (address, box)
