"""The network address of whoever made a request: asked for here and nowhere else."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def find_client_address(request: HttpRequest) -> str:
    """As text; empty if it is not known.

    Each proxy adds the address it was called from at the end of X-Forwarded-For. The list is read from its end, and
    only as far as trusted proxies wrote it: what stands before that is the client's own invention.
    """
    address = str(request.META.get("REMOTE_ADDR", "")).strip()
    passed_on = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    while passed_on and _is_trusted(address):
        before = passed_on.pop()
        if _parse(before) is None:
            break
        address = before
    return address


def _is_trusted(address: str) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in settings.TRUSTED_PROXIES)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address that is written as IPv6 is the IPv4 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def find_client_network(request: HttpRequest) -> str:
    """What one visitor certainly has for itself: an IPv4 address, or the /64 network of an IPv6 address."""
    address = find_client_address(request)
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)
