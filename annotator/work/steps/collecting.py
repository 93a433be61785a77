"""Takes in what people submitted, and approves it."""

import time
from dataclasses import dataclass
from functools import partial

from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.crowd.campaigns.collecting import Collected, collect_campaign
from annotator.crowd.judging.approving import CannotReview, approve_assignments
from annotator.crowd.marketplaces.outcomes import MarketplaceSilent, OutcomeUnknown
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal
from annotator.work.options import option
from annotator.work.states import unless_open, unless_submitted
from annotator.work.step import Step, Work
from workers.engine.plurals import say_count


class CannotCollect(Refusal):
    """There is nothing to collect, or nothing new came for too long."""


@dataclass(frozen=True)
class CollectOptions:
    follow: bool = option("Go on until every HIT is complete", type=bool, default=False, reach="command")
    patience: float | None = option(
        "End --follow when nothing new came for so long", type=float, default=None, metavar="SECONDS", reach="command"
    )
    every: float = option("Pause of --follow (5)", type=float, default=5.0, metavar="SECONDS", reach="command")


def check_collecting(work: Work) -> None:
    if work.subject.is_imported:
        raise CannotCollect(f"The campaign {work.subject} was imported: there is nothing to collect.")


def collect(work: Work, *, has_approval: bool = False) -> str:
    """One round; with --follow, rounds until every HIT is complete."""
    session, last_new = work.open_session(), time.monotonic()
    while True:
        line, collected = _collect_once(session, has_approval=has_approval, is_followed=work.options.follow)
        if not work.options.follow or (collected and collected.is_complete):
            return line
        work.tell(line)
        last_new = time.monotonic() if collected and collected.n_new else last_new
        _check_patience(work, seconds=time.monotonic() - last_new)
        session.pause(work.options.every)


def _collect_once(session: Session, *, has_approval: bool, is_followed: bool) -> tuple[str, Collected | None]:
    """What came, in one line; None if the marketplace left the question open and the next round asks again."""
    try:
        collected = collect_campaign(session)
        line = f"{collected.n_listed} of {say_count(collected.n_asked, 'assignment')} submitted, {collected.n_new} new"
        if collected.n_unreadable:
            line += f", {collected.n_unreadable} unreadable"
        if has_approval:
            line += f", {approve_assignments(session)} approved now"
    except OutcomeUnknown as error:
        if not is_followed or isinstance(error, MarketplaceSilent):
            raise
        return str(error), None
    return line + ("; complete." if collected.is_complete else "."), collected


def _check_patience(work: Work, *, seconds: float) -> None:
    patience = work.options.patience
    if patience is not None and seconds > patience:
        raise CannotCollect(f"The campaign {work.subject} is not complete and nothing new came for {patience:.0f} s.")


STEPS = (
    Step(
        "collect", "Collect answers", "Takes in what was submitted; this also happens automatically each minute.",
        role=Role.RESEARCHER, run=collect, icon="inbox", why_not=unless_open, check=check_collecting,
        options=CollectOptions, refusals=(CannotCollect,),
    ),
    Step(
        "approve", "Collect and approve", "Takes in what was submitted, and approves and so pays all of it.",
        role=MIN_ROLE[Permission.APPROVE], run=partial(collect, has_approval=True), icon="payments",
        why_not=unless_submitted, check=check_collecting, options=CollectOptions,
        refusals=(CannotCollect, CannotReview),
    ),
)  # fmt: skip
