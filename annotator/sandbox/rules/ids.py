"""Ids in MTurk's form: capital letters and digits, too many to guess."""

import hashlib
import secrets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# A requester sees only a person's WorkerId, so the WorkerId says that a person is simulated.
SIMULATED_WORKER_PREFIX = "ASIMULATED"


def _draw(n: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(n))


def new_entity_id() -> str:
    """30 characters beginning with 3, like Amazon's HIT, HIT type and assignment ids; about 150 random bits."""
    return "3" + _draw(29)


def new_worker_id() -> str:
    """An A, never followed by SIMULATED, and 13 characters."""
    while (candidate := "A" + _draw(13)).startswith(SIMULATED_WORKER_PREFIX):
        pass
    return candidate


def simulated_worker_id(name: str) -> str:
    """Computed from the name, so that a simulated crowd has the same ids on every machine."""
    digest = hashlib.sha256(name.encode()).digest()
    return SIMULATED_WORKER_PREFIX + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:12])


def new_access_key_id() -> str:
    """Begins with SANDBOX, so that it cannot be confused with a key of AWS (AKIA or ASIA)."""
    return "SANDBOX" + _draw(13)


def new_code() -> str:
    return secrets.token_urlsafe(18)
