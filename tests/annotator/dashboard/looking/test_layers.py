"""A layer's bars count what their links find."""

import re
from html import unescape

import pytest
from django.test import Client

from annotator.dashboard.looking import layers
from annotator.labels.models import UnitLabel
from annotator.units.models import Layer, Network, Unit
from tests.annotator.dashboard.making import World


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def count_units(client: Client, address: str) -> int:
    counted = re.search(r'role="status">(\d+) unit', read(client, address))
    assert counted is not None, address
    return int(counted[1])


def test_each_bar_leads_to_the_units_that_it_counts(world: World, viewer: Client) -> None:
    for unit in Unit.objects.all():
        Unit.objects.filter(pk=unit.pk).update(importance=unit.index / 4)
    UnitLabel.objects.filter(unit__index=1).update(precision=0.7)  # at an edge between two bars
    page = read(viewer, "/layers/net/features.3/")
    bars = re.findall(r'<li><a href="([^"]+)" title="\w+ [\d.e-]+ to [\d.e-]+: (\d+) units?">', page)
    assert len(bars) > 12
    assert sum(int(n) for _, n in bars) == 6 + 5 + 6  # IoU of all units, precision of the labeled ones, importance
    found = {link: count_units(viewer, unescape(link)) for link, _ in bars}
    assert found == {link: int(n) for link, n in bars}
    names = re.findall(r'<li><a href="([^"]+)" title="[^"]*"><span>(\S+)[^<]*</span>.*?us-number">(\d+)<', page)
    assert {name for _, name, _ in names} >= {"wheel", "sky", "gadget"}
    assert all(count_units(viewer, unescape(link)) == int(n) for link, _, n in names)


def test_layers_of_a_network_and_the_best_units_of_several(world: World, viewer: Client) -> None:
    stacked = read(viewer, "/layers/net/")
    links = [
        (unescape(link), int(n))
        for link, n in re.findall(r'us-link" href="([^"]+)">[^<]+<span class="us-number">(\d+)<', stacked)
    ]
    assert links
    assert all(count_units(viewer, link) == n for link, n in links)
    best = read(viewer, "/layers/")
    assert re.findall(r"<strong>(gadget \d)</strong>", best)[:2] == ["gadget 5", "gadget 4"]
    assert "Top crop of unit 5" in best
    for absent in ("/layers/none/", "/layers/net/none/"):
        assert viewer.get(absent).status_code == 404


@pytest.mark.django_db
def test_a_deep_network_has_pages(world: World, viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LAYERS_PAGE", 1)
    network = Network.objects.get(name="net")
    Layer.objects.create(network=network, path="last", position=9, n_units=1)
    first, last = read(viewer, "/layers/net/"), read(viewer, "/layers/net/?page=2")
    assert ("/layers/net/features.3/" in first, "/layers/net/last/" in first) == (True, False)
    assert ("/layers/net/features.3/" in last, "/layers/net/last/" in last) == (False, True)


def test_without_a_dissection_the_pages_say_what_comes_first(viewer: Client) -> None:
    assert "No dissection is done yet" in read(viewer, "/layers/")
