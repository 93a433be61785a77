"""Who is told when a campaign completes: one more, or one less. The audit log does not keep the address."""

from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.crowd.campaigns.telling import SIGNATURE, CannotTell, add_notice, find_notice, make_key
from annotator.crowd.models import Campaign, Notice
from annotator.work.options import option
from annotator.work.step import Step, Work


@dataclass(frozen=True)
class TellOptions:
    target: str = option("An e-mail address, or a web address that a signed message is posted to", reach="secret")


@dataclass(frozen=True)
class EndOptions:
    target: str = option("The address as it was given", reach="secret")


def tell(work: Work) -> str:
    notice = add_notice(work.subject, work.options.target)
    _keep(work, notice)
    if notice.is_webhook:
        work.tell(f"The key of {SIGNATURE}, as a text: {make_key(notice)}")
    if work.subject.state == Campaign.State.COMPLETE:
        return "It is complete already: they are told if more answers are asked for and it completes again."
    return "They are told when the campaign completes."


def end_telling(work: Work) -> str:
    notice = find_notice(work.subject, work.options.target)
    _keep(work, notice)
    notice.delete()
    return "They are not told any more."


def _keep(work: Work, notice: Notice) -> None:
    work.details.update(notice=notice.pk, kind="web" if notice.is_webhook else "mail")


STEPS = (
    Step(
        "tell", "Tell them", "Tells an e-mail or web address when the campaign completes.", role=Role.RESEARCHER,
        run=tell, is_quick=True, options=TellOptions, refusals=(CannotTell,),
    ),
    Step(
        "end-telling", "Stop telling", "An address is not told any more.", role=Role.RESEARCHER, run=end_telling,
        is_quick=True, options=EndOptions, refusals=(CannotTell,),
    ),
)  # fmt: skip
