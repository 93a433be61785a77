"""What people may see who are signed out and were sent a link: one page, and the pictures on it."""

from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone

from annotator.accounts.models import ShareLink
from annotator.accounts.sharing import find_opened
from annotator.dashboard.frame.merges import read_former_names, rename_networks

# Routes of pages that can be shared: none of them names a person or acts.
SHAREABLE = {"unit", "gallery", "layer", "layers", "best-units", "similar", "units-beside"}
# Pictures of crops and fields. Their addresses hold digests, so that only a page that was shown gives them away.
PICTURES = {"sheet", "wall", "outlines", "field", "missing-pictures"}
OPENED = "shared_links"
MAX_OPENED = 50


def is_shareable(address: str) -> bool:
    """True if the address is that of a page which a link may show."""
    return find_route(address) in SHAREABLE


def find_route(address: str) -> str:
    """The name of the route at an address of the dashboard, "" if there is none; the address begins with one slash."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or not address.startswith("/") or address.startswith("//"):
        return ""
    try:
        return resolve(unquote(parts.path)).url_name or ""
    except Resolver404:
        return ""


def open_link(request: HttpRequest, link: ShareLink) -> None:
    """This browser may see the link's page from now on, as long as the link lives."""
    opened = [one for one in request.session.get(OPENED, []) if one != link.pk]
    request.session[OPENED] = [*opened, link.pk][-MAX_OPENED:]


def may_look(request: HttpRequest) -> bool:
    """True if a link that this browser opened shows the page or picture that is asked for. Two queries or none."""
    ids = cast(list[int], request.session.get(OPENED, []))
    if not ids or request.method not in ("GET", "HEAD") or request.resolver_match is None:
        return False
    links = find_opened(ids, now=timezone.now())
    if request.resolver_match.url_name in PICTURES:
        return bool(links)
    if request.resolver_match.url_name not in SHAREABLE:
        return False
    wanted = split_address(request.get_full_path())
    shared = [link.address for link in links]
    if any(split_address(one) == wanted for one in shared):
        return True
    former = read_former_names()
    return any(split_address(now) == wanted for one in shared if (now := rename_networks(one, former)))


def split_address(address: str) -> tuple[str, list[tuple[str, str]]]:
    """Path and query as they are meant, however a browser has written them."""
    parts = urlsplit(address)
    return unquote(parts.path), sorted(parse_qsl(parts.query, keep_blank_values=True))
