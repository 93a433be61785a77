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
    """MANNER:POINT:VERB or nothing; the campaign's name and phase; the settings by which its marketplace is reached."""

    crash: str
    name: str
    phase: str
    settings: dict[str, Any]


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

    from annotator.crowd.marketplaces.mturk import adapter, client
    from annotator.crowd.outbox import session
    from tests.annotator.crowd import phases  # noqa: F401

    settings.MARKETPLACE_CREDENTIALS["own"] = ("nobody", "nothing")
    client.MAX_ATTEMPTS = 1
    _ = adapter.open_mturk("own").client
    session.WAIT_SECONDS = 0


def act(order: Order) -> int:
    from django.conf import settings

    from annotator.crowd.marketplaces.outcomes import OutcomeUnknown
    from annotator.crowd.outbox import crash_points, performing
    from annotator.crowd.outbox.performing import CampaignBusy

    for name, value in order.settings.items():
        setattr(settings, name, value)
    if order.crash:
        os.environ["UNITSCOPE_CRASH_AT"] = order.crash
    lost: list[str] = []
    performing.reach = _note_lost(crash_points.reach, lost)
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

    def noting(point: str, verb: str) -> None:
        try:
            reach(point, verb)
        except mturk_unknown() as error:
            lost.append(str(error))
            raise

    return noting


def mturk_unknown() -> type[Exception]:
    from annotator.crowd.marketplaces.outcomes import OutcomeUnknown

    return OutcomeUnknown


def run_phase(*, name: str, phase: str) -> None:
    from django.conf import settings

    from annotator.crowd.marketplaces.guard import Permit
    from annotator.crowd.models import Campaign
    from annotator.crowd.outbox.session import open_session
    from tests.annotator.crowd.phases import PHASES

    permit = Permit(name, "pia") if settings.REAL_MONEY_ALLOWED else None
    PHASES[phase](open_session(Campaign.objects.get(name=name), permit=permit, pause=lambda seconds: None))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    main()
