"""Every named crash point, in every manner of dying, against the real sandbox in bad weather.

It throttles, fails and loses answers. Its own tables are the oracle: as many HITs, assignments, approvals, rejections
and bonuses as the campaign asked for, none lost, none twice; and all of it once more with every token expired before
the next process takes over. UNITSCOPE_CRASH_REPEATS names the repeats, FIRST:END (all of `make drill`: 0:20): then
each manner is tried with living and with expired tokens, in worse weather, which ends many more processes.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from annotator.crowd.campaigns import collecting
from annotator.crowd.judging import rejecting
from annotator.crowd.models import HIT, Assignment, Campaign, Compensation, OutwardAct
from annotator.sandbox import switchboard
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.models import BonusPayment, RequestToken
from annotator.units.models import Dissection
from tests.annotator.crowd import acting
from tests.annotator.crowd.making import make_campaign, make_dissection
from tests.annotator.crowd.phases import CRASH_POINTS, VERBS

pytestmark = pytest.mark.django_db(transaction=True)
IS_DRILL = "UNITSCOPE_CRASH_REPEATS" in os.environ
REPEATS = range(*map(int, os.environ.get("UNITSCOPE_CRASH_REPEATS", "0:1").split(":")))
# An answer can be lost on its way there or back; there is no answer to lose before the claim or after the record.
POINTS = {"kill": CRASH_POINTS, "raise": CRASH_POINTS, "lose": ("after claim", "after call")}
DIES = {"kill": -9, "raise": acting.CRASHED, "lose": acting.LOST}
BAD_WEATHER = {"throttle_rate": 0.3 if IS_DRILL else 0.08, "fault_rate": 0.05, "lost_response_rate": 0.02}
# Each manner, each age of tokens, and each crash point at both ages are in the first; the drill has all pairs.
TRIED = [("living", "kill"), ("expired", "raise"), ("expired", "lose")]
TRIED += [pytest.param("living", "lose", marks=pytest.mark.slow)]
TRIED += [("living", "raise"), ("expired", "kill")] if IS_DRILL else []
TOKEN_LIFE = timedelta(hours=24)
Act = Callable[[str, str, str], int]


@pytest.fixture
def dissection(market: Any, tmp_path: Path) -> Dissection:
    return make_dissection(tmp_path, n_units=3)


@pytest.fixture
def act(market: Any, settings: Any, actors: Callable[[acting.Order], int]) -> Act:
    """Runs a phase in a process of its own, which may be killed; answers how it ended."""

    def run(crash: str, name: str, phase: str) -> int:
        keys = {"own": settings.MARKETPLACE_CREDENTIALS["own"]}
        values = {"SANDBOX_URL": settings.SANDBOX_URL, "MARKETPLACE_CREDENTIALS": keys}
        return actors(acting.Order(crash=crash, name=name, phase=phase, settings=values))

    return run


def prepare_people(market: Any, campaign: Campaign) -> None:
    """Three answers to two of three HITs, one to be rejected and two so slow that a bonus is due; a fourth answer is
    stored here and never reaches the marketplace."""
    hits = list(campaign.hits.order_by("id"))
    for hit in hits[:2]:
        for number in range(hit.n_assignments):
            seconds = 900.0 if number == 0 else 120.0
            market.work(hit, f"person-{hit.pk}-{number}", active_seconds=seconds)  # nobody works on two at once
    lost = market.accept(hits[2], "person-9")
    lost.submit(lost.start()["work_token"])
    collecting.collect_campaign(market.open_session(campaign))
    worst = Assignment.objects.filter(active_seconds=120.0).order_by("id")[0]
    rejecting.propose_rejection(
        assignment=worst,
        reason="The same stock phrase on every HIT.",
        evidence={"n": 3},
        proposed_by="ada",
        now=market.clock(),
    )


@dataclass(frozen=True)
class Crashing:
    """One campaign whose processes die; with `expires` a day passes between one process and the next."""

    act: Act
    campaign: Campaign
    manner: str
    expires: bool

    def run_phase(self, phase: str) -> int:
        """At each crash point of each act, then to the end; how many processes died where they were told to."""
        points = [(point, verb) for verb in VERBS[phase] for point in POINTS[self.manner]]
        died = sum(self._end_is(DIES[self.manner], f"{self.manner}:{at}:{verb}", phase) for at, verb in points)
        self._end_is(acting.DONE, "", phase)
        return died

    def _end_is(self, wanted: int, crash: str, phase: str) -> bool:
        """Again while the weather ends it; whether it ended as wanted, rather than by coming through."""
        ends: list[int] = []
        while not ends or ends[-1] == acting.UNANSWERED:
            assert len(ends) < 30, ends
            ends.append(self.act(crash, self.campaign.name, phase))
            if self.expires:
                self._let_a_day_pass()
        assert ends[-1] in (wanted, acting.DONE), (crash, ends)
        return ends[-1] == wanted

    def _let_a_day_pass(self) -> None:
        """For the tokens alone, on both sides: HITs would run out in as many days as there are crashes."""
        OutwardAct.objects.exclude(sent_at=None).update(sent_at=F("sent_at") - TOKEN_LIFE)
        RequestToken.objects.update(used_at=F("used_at") - TOKEN_LIFE)


def check_hits(campaign: Campaign) -> None:
    """The three HITs asked for, one of them extended, the compensation's, and no orphan."""
    hits = list(campaign.hits.order_by("id"))
    there = [SandboxHIT.objects.get(mturk_id=hit.external_id).max_assignments for hit in hits]
    assert there == [hit.n_assignments for hit in hits] == [2, 1, 1]
    assert SandboxHIT.objects.count() == HIT.objects.count() + Compensation.objects.exclude(hit_id="").count()


def check_payments(campaign: Campaign) -> None:
    """Two approved, one rejected and approved after all, two bonuses, one compensation HIT; every act is done."""
    ids = (
        Assignment.objects.filter(hit__campaign=campaign).exclude(state="stored").values_list("external_id", flat=True)
    )
    there = SandboxAssignment.objects.filter(mturk_id__in=list(ids))
    assert list(there.values_list("state", flat=True)) == ["Approved"] * 3
    bonuses = BonusPayment.objects.filter(assignment__in=there).values_list("amount_usd", flat=True)
    assert list(bonuses) == [Decimal("2.50"), Decimal("2.50")]  # $12 an hour for 900 s, less the reward of $0.50
    assert BonusPayment.objects.count() == 2
    assert Compensation.objects.get().hit_id in SandboxHIT.objects.values_list("mturk_id", flat=True)
    assert not OutwardAct.objects.filter(campaign=campaign).exclude(state="done").exists()


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize(("token", "manner"), TRIED)
def test_no_crash_loses_or_doubles_anything(
    market: Any, act: Act, dissection: Dissection, token: str, manner: str, repeat: int
) -> None:
    campaign = make_campaign(dissection, n_assignments=1, seed=repeat)
    crashing = Crashing(act, campaign, manner=manner, expires=token == "expired")
    n_died = 0
    for phase in VERBS:
        if phase == "reject":
            switchboard.reset()
            prepare_people(market, campaign)
        switchboard.turn(**BAD_WEATHER, seed=100 * repeat)
        n_died += crashing.run_phase(phase)
        check_hits(campaign)
        if phase == "reject":
            assert SandboxAssignment.objects.filter(state="Rejected").count() == 1
    check_payments(campaign)
    # A lost answer may already have done what the crash was to hit, so a few are not reached.
    assert n_died >= 0.8 * len(POINTS[manner]) * sum(map(len, VERBS.values()))


def test_two_processes_do_not_act_for_one_campaign_at_once(market: Any, act: Act, campaign: Campaign) -> None:
    with market.open_session(campaign).hold():
        assert act("", campaign.name, "publish") == acting.UNANSWERED
    assert act("", campaign.name, "publish") == 0
