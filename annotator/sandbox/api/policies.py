"""Review policies as a requester may write them."""

from typing import Any


def check(policy: dict[str, Any] | None, *, level: str) -> dict[str, Any] | None:
    """The policy as it is kept. Raises Refused for one that could not be carried out."""
    return policy
