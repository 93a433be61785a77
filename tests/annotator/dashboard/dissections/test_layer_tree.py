"""Layers of a new dissection are picked from the network's tree, which a GPU process is asked for once."""

from typing import Any

import pytest

from annotator.accounts.models import Role
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.units.models import Dissection, Network
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import World, sign_in


def give(path: str, kind: str, n_parameters: int, n_units: int, px: int) -> dict[str, Any]:
    shape = {"n_units": n_units, "height": px, "width": px, "read_as": ""}
    return {"path": path, "kind": kind, "n_parameters": n_parameters, **shape}


LAYERS = [
    give("stem", "Sequential", 9408, 64, 56),
    give("stem.conv", "Conv2d", 9408, 64, 56),
    give("stem.relu#0", "ReLU", 0, 1, 1),
    {"path": "stem.relu#1", "kind": "ReLU", "n_parameters": 0, "reason": "It gives 3 numbers for 2 images."},
    {"path": "held", "kind": "ModuleList", "n_parameters": 0, "reason": ""},
    give("held.0", "Linear", 5, 10, 1),
]


@pytest.fixture(autouse=True)
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)


def open_tree(client: Any, network: Network) -> str:
    shown = client.get("/dissections/new/layers", {"network": network.pk}, headers={"HX-Request": "true"})
    assert shown.status_code == 200
    return str(shown.content.decode())


def test_the_tree_is_asked_for_once_and_says_what_each_layer_gives(world: World) -> None:
    client, network = sign_in(Role.RESEARCHER), world.dissection.network
    for _ in range(2):
        assert "Waiting for a GPU process" in open_tree(client, network)
    question = Question.objects.get()
    assert (question.kind, question.architecture) == ("layers", network.architecture)
    Question.objects.update(state="answered", answer={"layers": LAYERS}, answered_at=NOW)
    page = open_tree(client, network)
    assert "64 units, 56 x 56 cells" in page
    assert "1 unit, 1 x 1 cells" in page
    assert "Conv2d, 9,408 parameters" in page
    assert page.index('value="stem"') < page.index("3 parts of stem") < page.index('value="stem.conv"')
    assert 'value="stem.relu#0"' in page
    assert 'value="stem.relu#1"' not in page
    assert "It gives 3 numbers for 2 images." in page
    assert 'value="held"' not in page
    assert "1 part of held" in page


def test_why_there_is_no_tree_is_said(world: World) -> None:
    client, network = sign_in(Role.RESEARCHER), world.dissection.network
    open_tree(client, network)
    Question.objects.update(state="refused", refusal="The weights are gone.", answered_at=NOW)
    assert Question.objects.count() == 1
    Question.objects.update(answered_at="2100-01-01T00:00:00Z")
    assert "The weights are gone." in open_tree(client, network)


def test_ticked_and_typed_layers_are_dissected_each_once(world: World) -> None:
    client = sign_in(Role.RESEARCHER)
    sent = {
        "network": world.dissection.network.pk, "image_set": world.dissection.image_set.pk, "iou_modes": "paper",
        "batch_size": "32", "seed": "0", "segment": "upsampled", "layers": ["features.9\nstem", "stem", "stem.relu#0"],
    }  # fmt: skip
    assert client.post("/dissections/new/", sent).status_code == 302
    assert Dissection.objects.latest("created_at").layer_paths == ["features.9", "stem", "stem.relu#0"]
    refused = client.post("/dissections/new/", sent | {"layers": ""}).content.decode()
    assert "Tick or type at least one layer." in refused


def test_a_viewer_asks_no_gpu_process(world: World, viewer: Any) -> None:
    assert viewer.get("/dissections/new/layers", {"network": world.dissection.network.pk}).status_code == 403
    assert sign_in(Role.RESEARCHER).get("/dissections/new/layers?network=x").status_code == 404
    assert not Question.objects.exists()


def test_two_runs_of_the_same_network_over_the_same_images_are_told_apart(world: World) -> None:
    first = world.dissection
    second = Dissection.objects.get(pk=first.pk)
    second.pk = None
    second.artifact_name, second._state.adding = "other", True
    second.save()
    client = sign_in(Role.RESEARCHER)
    for address in ("/launch/", "/networks/", "/dissections/"):
        page = client.get(address).content.decode()
        for one in (first, second):
            assert str(one.pk)[:8] in page.replace(str(one.pk), ""), address
