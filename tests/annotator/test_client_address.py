"""The client's address: the proxy's word counts where the proxy is trusted, and nobody else's."""

import ipaddress
from typing import Any

import pytest
from django.test import RequestFactory

from annotator.client_address import find_client_address, find_client_network


@pytest.mark.parametrize(
    ("peer", "passed_on", "address"),
    [
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "203.0.113.9, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("198.51.100.8", "203.0.113.9", "198.51.100.8"),
        ("::ffff:10.0.0.2", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_what_a_trusted_proxy_wrote_is_believed(settings: Any, peer: str, passed_on: str, address: str) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=passed_on)
    assert find_client_address(request) == address


def test_without_a_trusted_proxy_nobody_is_believed() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert find_client_address(request) == "127.0.0.1"


def test_a_visitor_has_a_whole_network_of_ipv6() -> None:
    requests = [RequestFactory().get("/", REMOTE_ADDR=f"2001:db8::{last}") for last in ("1", "ffff")]
    assert {find_client_network(request) for request in requests} == {"2001:db8::/64"}
