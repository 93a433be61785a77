"""How many requests a token may make per minute. The counters lie in Valkey, shared by all processes."""

from datetime import datetime

from django.core.cache import cache
from redis import RedisError

from annotator.accounts.models import ApiToken
from annotator.refusals import Refusal

MAX_PER_MINUTE = 300


class TooManyRequests(Refusal):
    """The token has used up this minute; `seconds` says when the next one begins."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"This token makes more than {MAX_PER_MINUTE} requests per minute. Wait {seconds} seconds.")
        self.seconds = seconds


def count_request(token: ApiToken, *, now: datetime) -> None:
    """Raises TooManyRequests. If Valkey does not answer, nothing is counted and the request goes on."""
    minute, second = divmod(int(now.timestamp()), 60)
    key = f"api:{token.pk}:{minute}"
    try:
        n_requests = 1 if cache.add(key, 1, 120) else cache.incr(key)
    except (ValueError, RedisError, OSError):
        return
    if n_requests > MAX_PER_MINUTE:
        raise TooManyRequests(60 - second)
