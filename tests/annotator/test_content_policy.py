"""Every page says what may run on it, failures included; a page that says it more exactly is left alone."""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from annotator.content_policy import HEADER, SetContentPolicy
from annotator.settings import BASE_DIR


@pytest.mark.parametrize("site", ["annotator.urls", "annotator.sandbox.urls"])
@pytest.mark.parametrize("address", ["/sign-in/", "/no/such/page", "/worker/", "/healthz"])
def test_a_page_runs_no_script_of_others_and_is_framed_by_nobody(
    db: None, settings: Any, site: str, address: str
) -> None:
    settings.ROOT_URLCONF = site
    policy = Client().get(address)[HEADER]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_what_a_view_says_stays(rf: RequestFactory) -> None:
    said = HttpResponse(headers={HEADER: "default-src 'none'"})
    assert SetContentPolicy(lambda request: said)(rf.get("/"))[HEADER] == "default-src 'none'"
    framed = HttpResponse()
    framed.xframe_options_exempt = True  # type: ignore[attr-defined]
    assert "frame-ancestors" not in SetContentPolicy(lambda request: framed)(rf.get("/"))[HEADER]


def test_no_page_of_the_dashboard_holds_a_script_or_a_handler() -> None:
    """The policy would stop them without a word."""
    pages = [path for folder in ("dashboard", "problems") for path in (BASE_DIR / "annotator" / folder).rglob("*.html")]
    assert len(pages) > 30
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:|https?://[^\"' ]+\.(?:js|css|woff2?)")
    assert [path.name for path in pages if inline.search(path.read_text())] == []
