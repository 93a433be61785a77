"""The detectors of a layer are counted once, whatever other dissections the campaign's other layers come from."""

import uuid
from pathlib import Path

import pytest

from annotator.comparison.reports import count_detectors, describe_campaign
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Layer, Unit
from tests.annotator.dashboard.making import make_world

pytestmark = pytest.mark.django_db


def test_a_layer_counts_the_dissections_of_its_own_units_alone(tmp_path: Path) -> None:
    world = make_world(tmp_path / "first")
    first = world.dissection
    layer = Layer.objects.get()
    second = Dissection.objects.get(pk=first.pk)
    second.pk, second.artifact_name = uuid.uuid4(), f"{first.artifact_name}-2"
    second.save(force_insert=True)
    twice = list(AutomaticLabel.objects.filter(unit__layer=layer))
    for label in twice:
        label.pk, label.dissection, label.source = None, second, str(second.pk)
    AutomaticLabel.objects.bulk_create(twice)
    give_unit_to(second, Layer.objects.create(network=layer.network, path="other", position=9, n_units=1))
    expected = count_detectors(layer=layer, sources={str(first.pk)})
    assert expected["n_detectors"] > 0
    told = {row["path"]: row for row in describe_campaign(campaign=world.campaign)["layers"]}
    assert {name: told[layer.path][name] for name in expected} == expected
    assert told["other"]["n_detectors"] is not None


def give_unit_to(dissection: Dissection, layer: Layer) -> None:
    """The last labeled unit becomes one of this layer that this dissection alone has measured."""
    unit = Unit.objects.filter(unit_labels__isnull=False).latest("index")
    Unit.objects.filter(pk=unit.pk).update(layer=layer)
    DissectedUnit.objects.filter(unit=unit).update(dissection=dissection)
    AutomaticLabel.objects.filter(unit=unit).exclude(dissection=dissection).delete()
