"""From a unit to those that feed it, and on: a GPU process is asked once for the whole network."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotator.dashboard.looking.walking import KEYS
from annotator.evidence import looking
from annotator.evidence.models import Question
from annotator.units.models import Dissection, ImageSet, Layer, Network, Unit
from tests.annotator.dashboard.looking.conftest import Run
from tests.annotator.dashboard.test_pages import MAX_QUERIES
from workers.store import open_store


@pytest.fixture
def two_layers(dissection: Dissection) -> Dissection:
    """Two convolutions of one network with a ReLU and a pool between: six units feed five."""
    Network.objects.update(architecture="tests.workers.engine.making:tiny_module")
    Layer.objects.update(path="3", position=1)
    Dissection.objects.update(layer_paths=["0", "3"])
    first = Layer.objects.create(network=dissection.network, path="0", n_units=6)
    Unit.objects.bulk_create(Unit(layer=first, index=index) for index in range(6))
    return dissection


def test_one_walks_from_unit_to_unit_and_back(
    two_layers: Dissection, viewer: Client, run: Run, django_capture_on_commit_callbacks: Any
) -> None:
    part = {"HX-Request": "true"}
    assert 'hx-trigger="load"' in viewer.get("/units/small/3/1/walk/").content.decode()
    assert not Question.objects.exists(), "the page itself asks nothing"
    with django_capture_on_commit_callbacks(execute=True):
        assert "Waiting for a GPU process" in viewer.get("/units/small/3/1/walk/", headers=part).content.decode()
    run()
    question = Question.objects.get()
    assert question.state == Question.State.ANSWERED, question.refusal
    assert question.answer["edges"] == [{"source": "0", "target": "3", "n_convolutions": 1}]
    with CaptureQueriesContext(connection) as captured:
        page = viewer.get("/units/small/3/1/walk/", headers=part).content.decode()
    assert len(captured) <= MAX_QUERIES
    before = re.findall(r'data-key="(\d)" href="/units/small/0/(\d)/walk/"', page)
    assert [key for key, _ in before] == list("123456")
    assert {unit for _, unit in before} == set("012345")
    strengths = [int(one) for one in re.findall(r'title="Strength [^"]+">(-?\d+) %</span>', page)]
    assert (len(strengths), abs(strengths[0])) == (6, 100)
    assert [abs(one) for one in strengths] == sorted((abs(one) for one in strengths), reverse=True)
    after = viewer.get(f"/units/small/0/{before[0][1]}/walk/", headers=part).content.decode()
    assert len(re.findall(r'data-key="[asdfg]" href="/units/small/3/\d/walk/"', after)) == 5
    around = re.findall(r'data-key="([^"]+)"', viewer.get("/units/small/0/1/walk/").content.decode())
    keys = " ".join([*around, *KEYS["fed"], *KEYS["feeds"]]).split()
    assert len(keys) == len(set(keys)), "a key that leads to two places leads to one of them alone"
    assert "No dissected layer is connected to it on this side" in after
    assert Question.objects.count() == 1
    assert viewer.get("/units/small/3/77/walk/").status_code == 404


def test_a_network_is_asked_once_though_its_layers_were_dissected_apart_and_forgotten_with_the_last(
    two_layers: Dissection, viewer: Client, run: Run, django_capture_on_commit_callbacks: Any
) -> None:
    other = Dissection.objects.get(pk=two_layers.pk)
    other.pk, other.artifact_name, other.created_at = uuid4(), "other", two_layers.created_at + timedelta(days=1)
    other.layer_paths = ["0"]
    other.image_set = ImageSet.objects.create(
        name="another", address=two_layers.image_set.address, labels="none", registered_at=other.created_at
    )
    other.save()
    Dissection.objects.filter(pk=two_layers.pk).update(layer_paths=["3"])
    with django_capture_on_commit_callbacks(execute=True):
        for address in ("/units/small/3/1/walk/", "/units/small/0/1/walk/"):
            assert viewer.get(address, headers={"HX-Request": "true"}).status_code == 200
    question = Question.objects.get()
    assert question.options["labels"] == "none", "the newest dissection's photographs"
    run()
    folder = open_store(question.folder)
    assert list(folder.names())
    looking.forget(two_layers)
    assert Question.objects.exists(), "it is about other photographs"
    other.delete()
    looking.forget(other)
    assert not Question.objects.exists()
    assert not list(folder.names())
