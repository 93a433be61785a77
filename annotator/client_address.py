"""The network address of whoever made a request: asked for here and nowhere else."""

import ipaddress

from django.http import HttpRequest


def find_client_address(request: HttpRequest) -> str:
    """As text; empty if it is not known."""
    return str(request.META.get("REMOTE_ADDR", ""))


def find_client_network(request: HttpRequest) -> str:
    """What one visitor certainly has for itself: an IPv4 address, or the /64 network of an IPv6 address."""
    address = find_client_address(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
