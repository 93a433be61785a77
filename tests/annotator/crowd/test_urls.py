"""Each of the crowd's addresses: what a stranger gets, what may frame it, and that nothing sets a cookie."""

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from annotator.crowd.models import HIT
from annotator.crowd.urls import urlpatterns

pytestmark = pytest.mark.django_db
PAGE = "marketplace"  # framed by the campaign's marketplace alone
NOBODY = "nobody"
# Name -> (method, status for a stranger at a HIT that exists, status at one that does not, framed by).
TABLE = {
    "hit-notification": ("POST", 403, 403, NOBODY),
    "hit-sheet": ("GET", 403, 403, NOBODY),
    "hit-page": ("GET", 200, 404, PAGE),  # the preview
    "hit-preview-sheet": ("GET", 200, 404, NOBODY),
    "hit-start": ("POST", 403, 403, NOBODY),
    "hit-draft": ("POST", 403, 403, NOBODY),
    "hit-submit": ("POST", 403, 403, NOBODY),
}


def address(name: str, public_id: uuid.UUID) -> str:
    values: dict[str, dict[str, Any]] = {
        "hit-notification": {"marketplace": "own", "key": "forged"},
        "hit-sheet": {"token": "forged", "number": 0},
        "hit-preview-sheet": {"public_id": public_id, "number": 0},
    }
    return reverse(name, kwargs=values.get(name, {"public_id": public_id}))


def test_every_route_has_its_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(TABLE)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_what_a_stranger_gets(hit: HIT, name: str) -> None:
    method, known, unknown, framed_by = TABLE[name]
    client = Client(enforce_csrf_checks=True)
    for public_id, status in ((hit.public_id, known), (uuid.uuid4(), unknown)):
        where = address(name, public_id)
        response = client.generic(method, where, b"{}", content_type="application/json")
        assert response.status_code == status
        assert not response.cookies
        assert response["X-Content-Type-Options"] == "nosniff"
        if framed_by == PAGE and status == 200:
            assert f"frame-ancestors {settings.SANDBOX_URL}" in response["Content-Security-Policy"]
            assert "X-Frame-Options" not in response
        else:
            assert response["X-Frame-Options"] == "DENY"
        other = "POST" if method == "GET" else "GET"
        assert client.generic(other, where, b"{}", content_type="application/json").status_code in (403, 405)
