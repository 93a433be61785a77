"""The steps that a campaign's page offers, each with the sentence that says what it does."""

from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.models import Campaign
from annotator.dashboard.campaign_actions import WORK


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


SENTENCES = {
    "collect": "Takes in what was submitted; it happens each minute by itself as well.",
    "approve": "Takes in what was submitted, and approves and so pays all of it.",
    "label": "Puts the answers together: concept, category and precision of each unit.",
    "compare": "Sets each label beside the one that labeled pixels give.",
    "extend": "One more answer for each unit whose answers disagree, within the cap.",
    "leave-out": "Stops counting answers that kept planted negatives; their people are paid.",
    "top-up": "Lifts the pay for each approved piece of work to the hourly floor.",
    "compensate": "Pays for work stored here that never reached the marketplace.",
    "withdraw": "Nobody can take a HIT any more. Work that was begun may be finished, and is paid.",
    "close": "Nothing more will be asked or paid.",
}
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
