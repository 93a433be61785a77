"""How many requests a token may make per minute. The counters lie in Valkey, shared by all processes."""

from datetime import datetime

from annotator.accounts.models import ApiToken
from annotator.counters import count_up
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

MAX_PER_MINUTE = 300


class TooManyRequests(Refusal):
    """The token has used up this minute; `seconds` says when the next one begins."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"This token makes more than {MAX_PER_MINUTE} requests per minute. Wait {say_count(seconds, 'second')}."
        )
        self.seconds = seconds


def count_request(token: ApiToken, *, now: datetime) -> None:
    """Raises TooManyRequests. If Valkey does not answer, nothing is counted and the request goes on."""
    minute, second = divmod(int(now.timestamp()), 60)
    if count_up(f"api:{token.pk}:{minute}", seconds=120) > MAX_PER_MINUTE:
        raise TooManyRequests(60 - second)
