"""A process that acts for a campaign until a crash point ends it: `python -m tests.annotator.crowd.acting`.

It reads lines `CRASH CAMPAIGN PHASE` and forks a child for each, so that a child can be killed with -9 without paying a
second for the next one's start. It prints how the child ended: its exit status, or minus its signal.
"""

import os
import sys

import django

DONE, CRASHED, UNANSWERED = 0, 3, 4


def main() -> None:
    django.setup()
    warm_up()
    for line in sys.stdin:
        crash, name, phase = line.split()
        child = os.fork()
        if child == 0:
            os._exit(act(crash=crash, name=name, phase=phase))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def warm_up() -> None:
    """What takes a second, paid once: the imports, and boto3's description of MTurk (no connection is made)."""
    from annotator.crowd import collecting, rejecting, reviewing  # noqa: F401
    from annotator.crowd.marketplaces import open_marketplace
    from annotator.crowd.mturk import Requester

    Requester(open_marketplace("own"))


def act(*, crash: str, name: str, phase: str) -> int:
    from annotator.crowd import crash_points, mturk, outbox

    if crash != "-":
        os.environ["UNITSCOPE_CRASH_AT"] = crash.replace("+", " ")
    try:
        run_phase(name=name, phase=phase)
    except crash_points.Crashed:
        return CRASHED
    except (mturk.OutcomeUnknown, outbox.CampaignBusy):
        return UNANSWERED
    return DONE


def run_phase(*, name: str, phase: str) -> None:
    """The whole campaign in two phases; between them people work."""
    from django.utils import timezone

    from annotator.crowd import collecting, publishing, rejecting, reviewing
    from annotator.crowd.marketplaces import open_marketplace
    from annotator.crowd.models import Assignment, Campaign, Rejection
    from annotator.crowd.mturk import Requester

    campaign = Campaign.objects.get(name=name)
    requester = Requester(open_marketplace("own"), max_attempts=1)
    acting = {"requester": requester, "clock": timezone.now, "pause": lambda seconds: None}
    if phase == "publish":
        publishing.publish_campaign(campaign=campaign, **acting)
        first = campaign.hits.order_by("id")[0]
        if first.n_assignments == campaign.n_assignments:
            publishing.extend_hits(campaign=campaign, n_more={first.pk: 1}, **acting)
        return
    collecting.collect_campaign(campaign=campaign, requester=requester, now=timezone.now())
    for rejection in Rejection.objects.filter(assignment__hit__campaign=campaign, confirmed_at=None):
        rejecting.confirm_rejection(rejection=rejection, confirmed_by="bob", **acting)
    kept = Assignment.objects.filter(hit__campaign=campaign, state="submitted", rejection=None)
    reviewing.approve_assignments(campaign=campaign, assignments=kept.select_related("hit"), **acting)
    reviewing.pay_top_ups(campaign=campaign, **acting)
    publishing.withdraw_campaign(campaign=campaign, **acting)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    main()
