"""A whole campaign at the bazaar, in phases that can be begun again after any crash."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.judging.compensating import approve_compensations
from annotator.crowd.judging.rejecting import propose_rejection
from annotator.crowd.models import Assignment, Campaign
from annotator.crowd.outbox.crash_points import Crashed
from annotator.crowd.outbox.session import Session, open_session
from tests.annotator.crowd import phases
from tests.annotator.crowd.fixtures import Visitor, let_pass
from tests.annotator.crowd.phases import VERBS
from tests.house.bazaar import COUNTER

REASON = "The same stock phrase stands on each of twenty HITs."
# Where a process dies. A lost response is found in the same run, so that each run loses one response of each act.
CRASHES = {
    "raise": phases.CRASH_POINTS,
    "lose there": ("after claim",),
    "lose back": ("after call",),
}


class Guest(Visitor):
    """A person as the bazaar names them in the page's address."""

    def open(self, **changes: str) -> Any:
        query = {"ticket": self.assignment_id, "guest": self.worker_id, "stall": self.hit.external_id}
        return self.client.get(f"/hit/{self.hit.public_id}/?{urlencode(query)}")

    def work(self, *, is_handed_over: bool = True) -> None:
        token = self.start()["work_token"]
        let_pass(self, seconds=900.0)
        stored = self.submit(token, active_seconds=900.0).json()
        if is_handed_over:
            COUNTER.receive(stored, guest=self.worker_id, hit_id=self.hit.external_id)


def meet_people(session: Session) -> None:
    """Four answers to the first HITs, one of which never reaches the bazaar, and a rejection proposed."""
    first, second = session.campaign.hits.order_by("id")[:2]
    for number, hit in enumerate([first, first, second, second]):
        guest = Guest(hit, assignment_id=f"T{number}", worker_id=f"{'puppet' if number else 'person'}-{number}")
        guest.work(is_handed_over=number != 3)
    collect_campaign(session)
    propose_rejection(
        assignment=Assignment.objects.get(external_id="T0"),
        reason=REASON, evidence={"n": 20}, proposed_by="ada", now=session.clock(),
    )  # fmt: skip


# What is done in each phase, and which acts it sends.
PHASES: list[tuple[Callable[[Session], None], list[str]]] = [
    (phases.publish, VERBS["publish"]),
    (meet_people, []),
    (phases.reject, VERBS["reject"]),
    (phases.approve, VERBS["approve"]),
    (phases.top_up, VERBS["top_up"]),
    (phases.compensate, VERBS["compensate"]),
    (phases.withdraw, VERBS["withdraw"]),
]


@dataclass
class Story:
    """The campaign's life. With a manner of dying, each phase first dies at the crash points of each of its acts."""

    campaign: Campaign
    monkeypatch: pytest.MonkeyPatch
    manner: str = ""
    left: list[str] = field(default_factory=list)
    n_died: int = 0

    def live(self) -> int:
        """To the end; how often it died."""
        manner, points = self.manner.partition(" ")[0], CRASHES.get(self.manner, ())
        for phase, verbs in PHASES:
            self.left = [f"{manner}:{point}:{verb}" for verb in verbs for point in points]
            while self.left:
                self._arm()
                self._die(phase)
            self._arm()
            phase(self.open())
        return self.n_died

    def open(self) -> Session:
        return open_session(Campaign.objects.get(pk=self.campaign.pk), pause=self._recover)

    def _arm(self) -> None:
        """The next crash, or none."""
        self.monkeypatch.setenv("UNITSCOPE_CRASH_AT", self.left.pop(0) if self.left else "")

    def _die(self, phase: Callable[[Session], None]) -> None:
        try:
            phase(self.open())
        except Crashed:
            self.n_died += 1

    def _recover(self, seconds: float) -> None:
        """A response was lost; the outbox asks what became of the act."""
        self.n_died += 1
        self._arm()


def pay_for_lost_work(session: Session) -> int:
    """The person takes the HIT made for them, and is paid."""
    lost = Assignment.objects.get(state="stored")
    hit_id = lost.compensation.hit_id
    COUNTER.receive({"submit_to": "https://bazaar.example/done", "fields": {"ticket": "T9"}}, guest="p", hit_id=hit_id)
    return approve_compensations(session) + approve_compensations(session)
