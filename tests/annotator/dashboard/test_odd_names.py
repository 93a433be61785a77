"""Whatever rows are called, every page answers, links lead where they say, and what is downloaded has a name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import pytest
from django.test import Client
from django.urls import reverse

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.figures import drawing
from annotator.figures.paper import Drawing
from annotator.labels.models import UnitLabel
from annotator.names import to_segment
from annotator.units.models import Dissection, ImageSet, Layer, Network
from tests.annotator.dashboard.addresses import PAGES, PARTS, WORK_PAGES, Shown
from tests.annotator.dashboard.making import World, sign_in

PUNCTUATION = 'a b;c?d#e&f=g+h,i/50%2F~2F\\j it\'s <b>"so"</b> {{ x }}'
OTHER_SCRIPTS = "名前 שלום عالم\u202e"
ODD_NAMES = [PUNCTUATION, OTHER_SCRIPTS, "..", " a\nb ", "", "new", "{{ x }}/" + "名" * 70]

# Pictures are drawn by a program that is given a name as text in JSON. It is slow: these names are drawn, the rest is
# asked for at every address and handed over as it would be given to that program.
DRAWN_NAMES = [PUNCTUATION, OTHER_SCRIPTS]


@pytest.fixture
def drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name not in DRAWN_NAMES:
        monkeypatch.setattr(drawing, "lay_out", lambda spec, **_: Drawing(json.dumps(spec), 72, 72))
        for convert in ("svg_to_pdf", "svg_to_png"):
            monkeypatch.setattr(drawing.vl_convert, convert, lambda svg, **_: svg.encode())


def rename(world: World, name: str) -> Shown:
    """Rows made directly, as older versions or other programs may have made them."""
    Campaign.objects.filter(pk=world.campaign.pk).update(name=name)
    Network.objects.filter(pk=world.dissection.network_id).update(name=name)
    ImageSet.objects.filter(pk=world.dissection.image_set_id).update(name=name)
    Layer.objects.filter(network=world.dissection.network_id).update(path=name)
    Dissection.objects.filter(pk=world.dissection.pk).update(layer_paths=[name])
    return Shown(UnitLabel.objects.earliest("pk"), world.dissection, "CCC", "NNN", "LLL", images="III")


def list_addresses(shown: Shown, name: str) -> Iterator[str]:
    files = ["/campaigns/CCC/figures/", *(f"/campaigns/CCC/report.{ending}" for ending in ("json", "csv"))]
    api = ["/api/campaigns/CCC", "/api/campaigns/CCC/units", "/api/campaigns/CCC/answers", "/api/units/NNN/LLL/1"]
    every = [address for found in (PAGES | PARTS | WORK_PAGES).values() for address in found]
    for address in [*shown.fill_in(every), *files, *api, "/api/networks", "/api/campaigns"]:
        path, _, query = address.partition("?")
        for word in ("CCC", "NNN", "LLL", "III"):
            path, query = path.replace(word, quote(to_segment(name))), query.replace(word, quote(name, safe=""))
        yield f"{path}?{query}" if query else path


def links_of(page: str) -> set[str]:
    found = re.findall(r'(?:href|hx-get|src)="([^"]+)', page)
    inner = {unescape(link).partition("#")[0] for link in found}
    return {link for link in inner if link.startswith("/") and not link.startswith(("/static/", "/hit/", "/admin/"))}


def shape_of(link: str) -> str:
    """Of links that differ in numbers alone, one is asked for, and of a figure's files one."""
    start, figures, file = link.partition("/figures/")
    return re.sub(r"\d+", "0", start + figures + file.partition(".")[0])


def ask(client: Client, link: str) -> Any:
    """A file is read to its end, which closes it."""
    response = client.get(link)
    if response.streaming:
        list(response.streaming_content)
    return response


@pytest.mark.parametrize("name", ODD_NAMES)
def test_every_page_answers_and_its_links_lead_somewhere(world: World, name: str, drawn: None) -> None:
    admin = sign_in(Role.ADMIN)
    shown = rename(world, name)
    links: set[str] = set()
    asked = list(list_addresses(shown, name))
    for address in asked:
        response = ask(admin, address)
        assert response.status_code == 200, address
        if response["Content-Type"].startswith("text/html"):
            links |= links_of(response.content.decode())
    named = {link for link in links if to_segment(name) in unquote(link) or name in unquote_plus(link)}
    own = {link for link in named if not link.startswith("/crops/")} - set(asked) - {reverse("dissect-layers")}
    shapes = {shape_of(link): link for link in sorted(own)}
    statuses = {link: ask(admin, link).status_code for link in shapes.values()}
    assert {link: status for link, status in statuses.items() if status not in (200, 302)} == {}
    assert reverse("campaign", args=[name]) in links


@pytest.mark.parametrize("name", ["名前 / x", "..", 'a"b\nc'])
def test_downloads_are_named_and_stay_in_their_folder(world: World, name: str, drawn: None) -> None:
    rename(world, name)
    client, start = sign_in(Role.ADMIN), f"/campaigns/{quote(to_segment(name))}"
    for address in ("report.json", "report.zip", "export.zip", "figures/precision-by-layer.csv?download=1"):
        response = ask(client, f"{start}/{address}")
        assert response.status_code == 200, address
        header = response["Content-Disposition"]
        assert header.startswith("attachment; filename"), header
        assert "/" not in header
        assert "\n" not in header
