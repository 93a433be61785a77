"""Pure: encrypts payout addresses, so that a copy of the database alone tells nobody where people are paid.

The key follows from PSEUDONYM_KEY, which never changes. Whoever has that key and the database can read them.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from annotator.refusals import Refusal

_PURPOSE = b"unitscope payout addresses 1"


class SealBroken(Refusal):
    """The text was encrypted under another PSEUDONYM_KEY, or was changed."""


def seal(text: str, *, key: str) -> str:
    return _make_cipher(key).encrypt(text.encode()).decode()


def unseal(sealed: str, *, key: str) -> str:
    """Raises SealBroken."""
    try:
        return _make_cipher(key).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken("A payout address was encrypted under another PSEUDONYM_KEY.") from None


def _make_cipher(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.new(key.encode(), _PURPOSE, hashlib.sha256).digest()))
