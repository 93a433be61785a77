"""One call of the API: who calls, when, with which values. Every operation is given one."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from annotator.sandbox import request_tokens
from annotator.sandbox.api.pagination import Page, read_page
from annotator.sandbox.models import Requester
from annotator.sandbox.switchboard import Switchboard


@dataclass(frozen=True)
class Call:
    operation: str
    requester: Requester
    values: dict[str, Any]
    request_id: str
    now: dt.datetime
    board: Switchboard

    @property
    def token_life(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.board.token_life_seconds)

    def claim_token(self, act: str, *, outcome: str) -> None:
        """Uses the call's UniqueRequestToken, if it has one, for this act. Raises Refused if it was used before."""
        token = self.values.get("UniqueRequestToken")
        request_tokens.claim(self.requester, act=act, token=token, outcome=outcome, now=self.now, life=self.token_life)

    def page(self, about: str = "") -> Page:
        """The page asked for; `about` distinguishes the list from other lists of this operation."""
        return read_page(
            self.values, about=f"{self.operation}/{self.requester.pk}/{about}", now=self.now, life=self.token_life
        )
