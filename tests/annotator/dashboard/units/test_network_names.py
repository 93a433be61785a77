"""Which network a page is about: random weights are said, and a former name leads to the network."""

from django.test import Client

from annotator.units.models import Network, NetworkAlias
from tests.annotator.dashboard.making import World


def of(world: World) -> Network:
    return world.units()[0].unit.layer.network


def test_a_former_name_leads_to_the_same_page(world: World, viewer: Client) -> None:
    network, unit = of(world), world.units()[0].unit
    NetworkAlias.objects.create(name="former", network=network)
    path = f"{unit.layer.path}/{unit.index}/"
    response = viewer.get(f"/units/former/{path}?mode=lite")
    assert response.headers["Location"] == f"/units/{network.name}/{path}?mode=lite"
    assert viewer.get(f"/units/nobody/{path}").status_code == 404
    response = viewer.get("/units/?network=former&sort=iou")
    assert response.headers["Location"].startswith(f"/units/?network={network.name}")
    found = viewer.get(f"/api/units/former/{unit.layer.path}/{unit.index}").json()
    assert found["index"] == unit.index


def test_random_weights_are_said_wherever_the_network_is_named(world: World, viewer: Client) -> None:
    network, unit = of(world), world.units()[0].unit
    pages = [
        "/", "/units/", f"/units/{network.name}/{unit.layer.path}/{unit.index}/", "/dissections/",
        f"/dissections/{world.dissection.pk}/", "/networks/", "/api/networks",
    ]  # fmt: skip
    for page in pages:
        assert "random" not in viewer.get(page).content.decode().replace('"is_random": false', ""), page
    Network.objects.filter(pk=network.pk).update(weights_from="random", weights_sha256="ab" * 32)
    for page in pages:
        assert "random" in viewer.get(page).content.decode().replace('"is_random": false', ""), page
