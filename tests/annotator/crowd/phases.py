"""The phases of a campaign's life, as the crash tests of each marketplace run them; begun again, a phase goes on."""

from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import publish_campaign, withdraw_campaign
from annotator.crowd.judging import approving, compensating, rejecting
from annotator.crowd.models import Assignment, Rejection
from annotator.crowd.outbox.session import Session

CRASH_POINTS = ("after decision", "after claim", "after call", "after record")
# The acts of each phase.
VERBS = {
    "publish": ["register", "publish", "extend"],
    "reject": ["reject"],
    "approve": ["approve"],
    "overturn": ["overturn"],
    "top_up": ["pay_bonus"],
    "compensate": ["qualify", "register", "publish"],
    "withdraw": ["stop"],
}


def publish(session: Session) -> None:
    """Asks for one more answer to the first HIT."""
    publish_campaign(session)
    first = session.campaign.hits.earliest("id")
    if first.n_assignments == session.campaign.n_assignments:
        extend_hits(session, n_more={first.pk: 1})


def reject(session: Session) -> None:
    for rejection in Rejection.objects.filter(confirmed_at=None):
        rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    with session.hold():
        session.settle()


def approve(session: Session) -> None:
    approving.approve_assignments(session)


def overturn(session: Session) -> None:
    for rejection in Rejection.objects.filter(overturned_at=None):
        rejecting.overturn_rejection(session, rejection=rejection, overturned_by="cyd", feedback="Our mistake.")
    with session.hold():
        session.settle()


def top_up(session: Session) -> None:
    approving.pay_top_ups(session, with_slow=True)


def compensate(session: Session) -> None:
    for assignment in Assignment.objects.filter(hit__campaign=session.campaign, state="stored"):
        compensating.compensate(session, assignment=assignment, decided_by="bob")


def withdraw(session: Session) -> None:
    withdraw_campaign(session)


PHASES = {run.__name__: run for run in (publish, reject, approve, overturn, top_up, compensate, withdraw)}
