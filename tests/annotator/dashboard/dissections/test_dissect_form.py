"""The form of a new dissection offers what may be said of a layer's axes and tokens, and refuses the rest in words."""

import pytest
from django.utils import timezone

from annotator.dashboard.dissections.pages import DissectForm
from annotator.units.asked_options import choose_options
from annotator.units.layer_facts import spell_layer
from annotator.units.models import Dissection, ImageSet, Network

pytestmark = pytest.mark.django_db


def fill(**given: str) -> DissectForm:
    now = timezone.now()
    network = Network.objects.create(name="n", architecture="torchvision:alexnet", registered_at=now)
    image_set = ImageSet.objects.create(name="i", address="/nowhere", registered_at=now)
    values = {"network": network.pk, "image_set": image_set.pk, "layers": "features.1", "iou_modes": ["paper"]}
    return DissectForm({**values, "batch_size": "32", "seed": "0", "segment": "upsampled", **given})


def test_a_new_dissection_states_how_it_dims_and_keeps_what_was_asked_for() -> None:
    assert [one["dimming"] for one in choose_options({})] == ["auto"]
    assert [one["dimming"] for one in choose_options({"dimming": "fixed"})] == ["fixed"]
    form = fill(dimming="fixed")
    assert form.is_valid(), form.errors
    assert (form.fields["dimming"].initial, form.options()["dimming"]) == ("auto", "fixed")


def test_axes_and_tokens_can_be_named() -> None:
    form = fill(axes="bhwu", tokens="drop-first")
    assert form.is_valid(), form.errors
    assert (form.options()["axes"], form.options()["tokens"]) == ("bhwu", "drop-first")


def test_axes_and_tokens_that_are_left_empty_are_not_recorded() -> None:
    form = fill(axes="", tokens="")
    assert form.is_valid(), form.errors
    assert not {"axes", "tokens"} & form.options().keys()


@pytest.mark.parametrize("given", [{"tokens": "a few"}, {"axes": "uwhb"}])
def test_other_words_are_refused(given: dict[str, str]) -> None:
    form = fill(**given)
    assert not form.is_valid()
    assert form.errors.keys() == given.keys()


def test_a_dissection_of_before_says_that_the_rule_is_not_recorded() -> None:
    assert spell_layer(Dissection(), "layer4") == "where its cells lie: not recorded"
    facts = {"map_height": 7, "map_width": 7, "read_as": "", "anchoring": "field_centers"}
    spelled = spell_layer(Dissection(layer_facts={"layer4": facts}), "layer4")
    assert spelled == "7 x 7 cells; cells at the centers of their receptive fields (field_centers)"
