"""What may be asked of a campaign, and the role it takes."""

from annotator.accounts.models import Role
from annotator.accounts.roles import LEAST_ROLE, Permission

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


# Work -> the role it takes. Publishing with real money takes more, see `_refuse_payment`.
WORK = {
    "publish": Role.RESEARCHER,
    "collect": Role.RESEARCHER,
    "approve": LEAST_ROLE[Permission.APPROVE],
    "label": Role.RESEARCHER,
    "compare": Role.RESEARCHER,
    "extend": Role.RESEARCHER,
    "top-up": LEAST_ROLE[Permission.PAY_BONUSES],
    "leave-out": Role.REVIEWER,
    "compensate": LEAST_ROLE[Permission.APPROVE],
    "withdraw": Role.RESEARCHER,
    "close": Role.RESEARCHER,
}
