"""Every named crash point, in every manner of dying, against the real sandbox in bad weather.

It throttles, fails and loses answers. Its own tables are the oracle: as many HITs, assignments, approvals, rejections
and bonuses as the campaign asked for, none lost, none twice. UNITSCOPE_CRASH_REPEATS says how often (`make drill`: 20,
`make test`: once).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from annotator.crowd import collecting, outbox, rejecting
from annotator.crowd.crash_points import CRASH_POINTS
from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct
from annotator.sandbox import switchboard
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.models import BonusPayment
from annotator.units.models import Dissection
from tests.annotator.crowd import acting
from tests.annotator.crowd.making import make_campaign, make_dissection

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[3]
REPEATS = int(os.environ.get("UNITSCOPE_CRASH_REPEATS", "1"))
PHASES = {
    "publish": ["CreateHITType", "CreateHITWithHITType", "CreateAdditionalAssignmentsForHIT"],
    "reject": ["RejectAssignment"],
    "approve": ["ApproveAssignment"],
    "top_up": ["SendBonus"],
    "withdraw": ["UpdateExpirationForHIT"],
}
BAD_WEATHER = {"throttle_rate": 0.3, "fault_rate": 0.05, "lost_response_rate": 0.02}
Act = Callable[[str, str, str], int]


@pytest.fixture
def dissection(market: Any, tmp_path: Path) -> Dissection:
    return make_dissection(tmp_path, n_units=3)


@pytest.fixture
def act(market: Any, settings: Any) -> Iterator[Act]:
    """Runs a phase in a process of its own, which may be killed; answers how it ended."""
    values = connection.settings_dict
    key_id, secret = settings.MARKETPLACE_CREDENTIALS["own"]
    host = values["HOST"]
    address = f"postgresql://{quote(values['USER'])}:{quote(values['PASSWORD'])}@/{values['NAME']}?host={host}"
    if values["PORT"]:
        address += f"&port={values['PORT']}"
    environment = os.environ | {
        "DATABASE_URL": address,
        "SANDBOX_URL": settings.SANDBOX_URL,
        "OWN_ACCESS_KEY_ID": key_id,
        "OWN_SECRET_ACCESS_KEY": secret,
    }
    command = [sys.executable, "-m", "tests.annotator.crowd.acting"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def run(crash: str, name: str, phase: str) -> int:
            print(crash.replace(" ", "+"), name, phase, file=process.stdin, flush=True)
            return int(process.stdout.readline())  # type: ignore[union-attr]

        yield run
        process.stdin.close()
        process.wait(30)


def prepare_people(market: Any, campaign: Campaign) -> None:
    """Three answers to two of three HITs: one is to be rejected, two took so long that a bonus is due."""
    for hit in campaign.hits.order_by("id")[:2]:
        for number in range(hit.n_assignments):
            seconds = 900.0 if number == 0 else 120.0
            market.work(hit, f"person-{number}", active_seconds=seconds)
    collecting.collect_campaign(campaign=campaign, requester=market.requester, now=market.clock())
    worst = Assignment.objects.filter(active_seconds=120.0).order_by("id")[0]
    rejecting.propose_rejection(
        assignment=worst,
        reason="The same stock phrase on every HIT.",
        evidence={"n": 3},
        proposed_by="ada",
        now=market.clock(),
    )


def run_until_done(act: Act, campaign: Campaign, phase: str) -> list[int]:
    """Again and again until the phase is through."""
    ends = [act("-", campaign.name, phase)]
    while ends[-1] != 0:
        assert len(ends) < 30, ends
        ends.append(act("-", campaign.name, phase))
    return ends


def check_hits(campaign: Campaign) -> None:
    """The three HITs asked for, one of them extended, and no orphan."""
    hits = list(campaign.hits.order_by("id"))
    there = [SandboxHIT.objects.get(mturk_id=hit.mturk_id).max_assignments for hit in hits]
    assert there == [hit.n_assignments for hit in hits] == [2, 1, 1]
    assert SandboxHIT.objects.count() == HIT.objects.count()


def check_payments(campaign: Campaign) -> None:
    ids = Assignment.objects.filter(hit__campaign=campaign).values_list("mturk_id", flat=True)
    there = SandboxAssignment.objects.filter(mturk_id__in=list(ids))
    assert sorted(there.values_list("state", flat=True)) == ["Approved", "Approved", "Rejected"]
    bonuses = BonusPayment.objects.filter(assignment__in=there).values_list("amount_usd", flat=True)
    assert list(bonuses) == [Decimal("2.50"), Decimal("2.50")]  # $12 an hour for 900 s, less the reward of $0.50
    assert not OutwardAct.objects.filter(campaign=campaign).exclude(state="done").exists()


def crash_once(act: Act, campaign: Campaign, phase: str, *, manner: str, point: str, operation: str) -> bool:
    """Whether the process died where it was told to, rather than by the weather or not at all."""
    dies = {"kill": -9, "raise": acting.CRASHED, "lose": acting.LOST}[manner]
    ends = [act(f"{manner}:{point}:{operation}", campaign.name, phase)]
    while ends[-1] == acting.UNANSWERED:
        assert len(ends) < 30, ends
        ends.append(act(f"{manner}:{point}:{operation}", campaign.name, phase))
    assert ends[-1] in (dies, acting.DONE), ends
    return ends[-1] == dies


@pytest.mark.parametrize("repeat", range(REPEATS))
@pytest.mark.parametrize("manner", ["kill", "raise", "lose"])
def test_no_crash_loses_or_doubles_anything(
    market: Any, act: Act, dissection: Dissection, manner: str, repeat: int
) -> None:
    campaign = make_campaign(dissection, n_assignments=1, seed=repeat)
    points = CRASH_POINTS if manner != "lose" else ("after call",)
    n_died = 0
    for phase, operations in PHASES.items():
        if phase == "reject":
            switchboard.reset()
            prepare_people(market, campaign)
        switchboard.turn(**BAD_WEATHER, seed=100 * repeat)
        for operation in operations:
            for point in points:
                n_died += crash_once(act, campaign, phase, manner=manner, point=point, operation=operation)
        run_until_done(act, campaign, phase)
        check_hits(campaign)
    check_payments(campaign)
    # A lost answer may already have done what the crash was to hit, so a few are not reached.
    assert n_died >= 0.8 * len(points) * sum(map(len, PHASES.values()))


def test_an_outcome_unknown_for_over_23_hours_is_reconciled_by_listing(
    market: Any, act: Act, dissection: Dissection
) -> None:
    campaign = make_campaign(dissection, n_assignments=1)
    assert act("kill:after call:CreateHITWithHITType", campaign.name, "publish") == -9
    assert SandboxHIT.objects.count() == 1
    switchboard.turn(token_life_seconds=0.0)
    long_ago = market.clock() - outbox.TOKEN_LIFE - timedelta(hours=1)
    OutwardAct.objects.exclude(sent_at=None).update(sent_at=long_ago)
    market.publish(campaign)
    assert SandboxHIT.objects.count() == campaign.hits.count() == 3
    assert set(campaign.hits.values_list("mturk_id", flat=True)) == set(
        SandboxHIT.objects.values_list("mturk_id", flat=True)
    )


def test_two_processes_do_not_act_for_one_campaign_at_once(market: Any, act: Act, campaign: Campaign) -> None:
    with outbox.hold_campaign(campaign):
        assert act("-", campaign.name, "publish") == acting.UNANSWERED
    assert act("-", campaign.name, "publish") == 0
