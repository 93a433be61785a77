"""What methods say of a layer's units, as pages show it."""

import pytest
from django.urls import reverse

from annotator.accounts.models import Role
from annotator.descriptions.models import Description, Method
from annotator.units.models import Unit
from tests.annotator.dashboard.making import NOW, World, sign_in

pytestmark = pytest.mark.django_db


def describe(unit: Unit, method: str, text: str) -> None:
    made, _ = Method.objects.get_or_create(name=method, defaults={"created_at": NOW, "score_name": "similarity"})
    Description.objects.create(unit=unit, method=made, text=text, score=0.25, source="s", imported_at=NOW)


@pytest.fixture
def unit(world: World) -> Unit:
    return Unit.objects.filter(unit_labels__campaign=world.campaign).earliest("pk")


def test_a_units_page_and_the_page_of_methods_show_what_files_brought(unit: Unit) -> None:
    viewer, layer = sign_in(Role.VIEWER), unit.layer
    assert "No descriptions yet" in viewer.get("/methods/").content.decode()
    describe(unit, "CLIP-Dissect", 'blue "sky" & sea')
    describe(unit, "MILAN", "The sky")
    page = viewer.get(reverse("unit", args=[layer.network.name, layer.path, unit.index])).content.decode()
    assert "blue &quot;sky&quot; &amp; sea" in page
    assert page.index("CLIP-Dissect") < page.index("The sky")
    shown = viewer.get("/methods/", {"network": layer.network.name, "layer": layer.path}).content.decode()
    assert all(words in shown for words in ("CLIP-Dissect", "MILAN", "people", "100.0 %", "similarity"))
    assert viewer.get("/methods/", {"network": "other"}).status_code == 404
    assert viewer.get("/methods/", {"campaign": "c"}).status_code == 400
