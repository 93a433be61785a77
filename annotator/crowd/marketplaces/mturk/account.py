"""The requester's account at a marketplace that speaks MTurk: its balance, and letters to and from people."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

from annotator.crowd.marketplaces.marketplace import Letter
from annotator.crowd.marketplaces.mturk.client import MTurkClient
from annotator.crowd.marketplaces.mturk.facts import Place
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused


class MTurkAccount:
    """One attempt each: somebody waits for the page, and a letter that is sent twice arrives twice."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @cached_property
    def client(self) -> MTurkClient:
        return MTurkClient(self.place, max_attempts=1)

    def read_balance(self) -> Decimal:
        return Decimal(self.client.call("GetAccountBalance", {})["AvailableBalance"])

    def list_letters(self) -> Iterator[Letter]:
        if not self.place.lists_letters:
            return
        for entry in self.client.list_all("ListWorkerMessages", "WorkerMessages"):
            yield Letter(
                letter_id=entry["MessageId"],
                worker_id=entry["WorkerId"],
                subject=entry["Subject"],
                text=entry["MessageText"],
                at=entry["SentTime"],
            )

    def write(self, worker_id: str, *, subject: str, text: str) -> None:
        answer = self.client.call("NotifyWorkers", {"Subject": subject, "MessageText": text, "WorkerIds": [worker_id]})
        if failures := answer.get("NotifyWorkersFailureStatuses"):
            raise MarketplaceRefused(str(failures[0].get("NotifyWorkersFailureMessage", "")), code="NotReached")
