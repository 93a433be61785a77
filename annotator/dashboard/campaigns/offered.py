"""The steps that a campaign's page offers, each with the sentence that says what it does."""

from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.models import Campaign
from annotator.work.table import SENTENCES, WORK


@dataclass(frozen=True)
class Step:
    kind: str
    words: str
    icon: str
    # Shown behind a fold: it ends something, and is pressed once.
    is_last: bool = False

    @property
    def sentence(self) -> str:
        return SENTENCES[self.kind]


OF_ANSWERS = [Step("label", "Label the units", "label"), Step("compare", "Compare with Broden", "difference")]
OF_MARKETPLACE = [
    Step("collect", "Collect answers", "inbox"),
    Step("approve", "Collect and approve", "payments"),
    *OF_ANSWERS,
    Step("leave-out", "Leave out on evidence", "rule"),
    Step("top-up", "Pay top-ups", "savings"),
    Step("compensate", "Compensate lost work", "volunteer_activism"),
    Step("withdraw", "Withdraw every HIT", "block", is_last=True),
    Step("close", "Close the campaign", "inventory_2", is_last=True),
]
ADAPTIVE = Step("extend", "Ask more where in doubt", "group_add")


def offer_steps(campaign: Campaign, role: Role | None) -> list[Step]:
    """What this person may set going now."""
    if campaign.is_imported:
        steps = OF_ANSWERS
    elif campaign.published_at is None or campaign.state == Campaign.State.CLOSED:
        steps = []
    else:
        steps = [*OF_MARKETPLACE, ADAPTIVE] if campaign.max_assignments else OF_MARKETPLACE
    return [step for step in steps if may(role, WORK[step.kind])]
