"""Pure: the proof that our own marketplace adds to the address of a HIT page: who holds which assignment, until when.

The proof is an HMAC under the secret of the requester's account, which both sides hold. It is bound to the assignment,
the worker, the HIT and the end of the assignment's time, so it proves nothing for other ids or after that time.
Amazon's marketplaces send no proof: their visits stay claimed until their list of submissions names them.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

PARAMETER = "visitProof"
_PURPOSE = "unitscope visit 1"


def sign_visit(*, secret: str, assignment_id: str, worker_id: str, hit_id: str, expires: int) -> str:
    """The proof: the end of the assignment's time in epoch seconds, a dot, and the HMAC in hexadecimal."""
    message = "\n".join([_PURPOSE, assignment_id, worker_id, hit_id, str(expires)])
    return f"{expires}.{hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def is_proved(query: Mapping[str, str], *, secret: str, now: datetime) -> bool:
    """True if the address carries a proof that is right for its ids and has not expired."""
    given = query.get(PARAMETER, "")
    expires = given.partition(".")[0]
    if not (secret and expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return False
    expected = sign_visit(
        secret=secret,
        assignment_id=query.get("assignmentId", ""),
        worker_id=query.get("workerId", ""),
        hit_id=query.get("hitId", ""),
        expires=int(expires),
    )
    return hmac.compare_digest(given.encode(), expected.encode()) and now.timestamp() < int(expires)
