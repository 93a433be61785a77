"""The gallery and the pages of units lead on to what exists."""

from django.test import Client

from annotator.units.models import Unit
from tests.annotator.dashboard.making import World


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
