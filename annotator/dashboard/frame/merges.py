"""Addresses that name a network as it was called before it was merged with another."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import resolve, reverse

from annotator.units.models import NetworkAlias

# Parameters whose values begin with a network's name: NETWORK, NETWORK/LAYER or NETWORK/LAYER/INDEX.
NAMING = {"network", "beside", "unit"}


def lead_to_merged(request: HttpRequest) -> HttpResponse:
    """To the same page by today's names. Raises Http404 if no network of its address was merged with another."""
    if address := follow_merges(request.get_full_path()):
        return redirect(address)
    raise Http404


def follow_merges(address: str) -> str:
    """The address by today's names; "" if it names no network that was merged with another. One query."""
    return rename_networks(address, read_former_names())


def read_former_names() -> dict[str, str]:
    """By each former name of a network, today's."""
    return dict(NetworkAlias.objects.values_list("name", "network__name"))


def rename_networks(address: str, now: Mapping[str, str]) -> str:
    """As `follow_merges`, by names that were read before."""
    parts = urlsplit(address)
    match = resolve(unquote(parts.path))
    network, path = match.kwargs.get("network", ""), parts.path
    if network in now:
        path = reverse(match.view_name, kwargs={**match.kwargs, "network": now[network]})
    query = parse_qsl(parts.query, keep_blank_values=True)
    told = [(name, _rename(value, now) if name in NAMING else value) for name, value in query]
    return f"{path}?{urlencode(told)}".removesuffix("?") if path != parts.path or told != query else ""


def _rename(value: str, now: Mapping[str, str]) -> str:
    """Names may hold slashes: the longest former name that the value begins with is meant."""
    former = max((name for name in now if f"{value}/".startswith(f"{name}/")), key=len, default=None)
    return value if former is None else now[former] + value.removeprefix(former)
