"""A process that acts for a campaign until a crash point ends it: `python -m tests.annotator.crowd.acting`.

It reads orders, a line of JSON each, and forks a child for each, so that a child can be killed with -9 without paying
a second for the next one's start. It prints how the child ended: its exit status, or minus its signal.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import django

DONE, CRASHED, UNANSWERED, LOST = 0, 3, 4, 5


@dataclass(frozen=True)
class Order:
    """MANNER:POINT:OPERATION or nothing; the campaign's name and phase; the marketplace and our keys there."""

    crash: str
    name: str
    phase: str
    sandbox_url: str
    keys: tuple[str, str]


def main() -> None:
    django.setup()
    warm_up()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            os._exit(act(order))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def warm_up() -> None:
    """What takes a second, paid once: the imports, and boto3's description of MTurk (no connection is made)."""
    from django.conf import settings

    from annotator.crowd.judging import compensating  # noqa: F401
    from annotator.crowd.marketplaces.marketplace import open_marketplace
    from annotator.crowd.marketplaces.mturk.client import Requester
    from annotator.crowd.outbox import holding

    settings.MARKETPLACE_CREDENTIALS["own"] = ("nobody", "nothing")
    Requester(open_marketplace("own"))
    holding.WAIT_SECONDS = 0


def act(order: Order) -> int:
    from django.conf import settings

    from annotator.crowd.marketplaces.outcomes import OutcomeUnknown
    from annotator.crowd.outbox import crash_points
    from annotator.crowd.outbox import performing as outbox
    from annotator.crowd.outbox.holding import CampaignBusy

    settings.SANDBOX_URL = order.sandbox_url
    settings.MARKETPLACE_CREDENTIALS["own"] = tuple(order.keys)
    if order.crash:
        os.environ["UNITSCOPE_CRASH_AT"] = order.crash
    lost: list[str] = []
    outbox.reach = _note_lost(crash_points.reach, lost)
    try:
        run_phase(name=order.name, phase=order.phase)
        return LOST if lost else DONE
    except crash_points.Crashed:
        return CRASHED
    except (OutcomeUnknown, CampaignBusy):
        return LOST if lost else UNANSWERED
    return DONE


def _note_lost(reach: Callable[[str, str], None], lost: list[str]) -> Callable[[str, str], None]:
    """The outbox lives through a lost response, so that only a note shows that one was lost."""

    def noting(point: str, operation: str) -> None:
        try:
            reach(point, operation)
        except mturk_unknown() as error:
            lost.append(str(error))
            raise

    return noting


def mturk_unknown() -> type[Exception]:
    from annotator.crowd.marketplaces.outcomes import OutcomeUnknown

    return OutcomeUnknown


def run_phase(*, name: str, phase: str) -> None:
    """A phase is one kind of act and what must stand before it; begun again it goes on."""
    from django.utils import timezone

    from annotator.crowd.marketplaces.marketplace import open_marketplace
    from annotator.crowd.marketplaces.mturk.client import Requester
    from annotator.crowd.models import Campaign

    campaign = Campaign.objects.get(name=name)
    requester = Requester(open_marketplace("own"), max_attempts=1)
    PHASES[phase](campaign, {"requester": requester, "clock": timezone.now, "pause": lambda seconds: None})


def publish(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.campaigns import publishing
    from annotator.crowd.campaigns.extending import extend_hits

    publishing.publish_campaign(campaign=campaign, **acting)
    first = campaign.hits.order_by("id")[0]
    if first.n_assignments == campaign.n_assignments:
        extend_hits(campaign=campaign, n_more={first.pk: 1}, **acting)


def reject(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.judging import rejecting
    from annotator.crowd.models import Rejection
    from annotator.crowd.outbox.performing import settle_acts

    for rejection in Rejection.objects.filter(confirmed_at=None):
        rejecting.confirm_rejection(rejection=rejection, confirmed_by="bob", **acting)
    settle_acts(campaign=campaign, **acting)


def overturn(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.judging import rejecting
    from annotator.crowd.models import Rejection
    from annotator.crowd.outbox.performing import settle_acts

    for rejection in Rejection.objects.filter(overturned_at=None):
        rejecting.overturn_rejection(rejection=rejection, overturned_by="cyd", feedback="Our mistake.", **acting)
    settle_acts(campaign=campaign, **acting)


def compensate(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.judging import compensating
    from annotator.crowd.models import Assignment

    for assignment in Assignment.objects.filter(hit__campaign=campaign, state="stored"):
        compensating.compensate(assignment=assignment, decided_by="bob", **acting)


def approve(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.judging import approving as reviewing

    reviewing.approve_assignments(campaign=campaign, **acting)


def top_up(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.judging import approving as reviewing

    reviewing.pay_top_ups(campaign=campaign, **acting)


def withdraw(campaign: Any, acting: dict[str, Any]) -> None:
    from annotator.crowd.campaigns.ending import withdraw_campaign

    withdraw_campaign(campaign=campaign, **acting)


PHASES = {run.__name__: run for run in (publish, reject, approve, overturn, top_up, compensate, withdraw)}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    main()
