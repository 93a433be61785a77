"""What a step is: one row of the table of what may be asked of a campaign, an answer, a dissection, a study."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import User

from annotator.accounts.models import Role
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import Session, open_session
from annotator.refusals import Refusal

# Says one line to whoever waits at a terminal.
Tell = Callable[[str], None]
SubjectKind = Literal[
    "campaign", "new campaign", "assignment", "unit label", "marketplace", "dissection", "new study", "study"
]


def tell_nobody(line: str) -> None:
    pass


@dataclass(frozen=True)
class Work:
    """What the function of a step is given. `now` is in UTC."""

    subject: Any
    # None: somebody with a shell, by a command.
    actor: User | None
    now: datetime
    options: Any
    # None: a campaign that is not composed yet, and a step about a marketplace, a dissection or a study.
    campaign: Campaign | None
    # None: no real money may be spent.
    permit: Permit | None
    tell: Tell = tell_nobody
    # When somebody asked for it, if it came by the queue.
    asked_at: datetime | None = None
    # What the function adds to the act's entry in the audit log.
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def by(self) -> str:
        """The name under which the act is kept."""
        return self.actor.get_username() if self.actor else "command"

    def open_session(self) -> Session:
        """Raises UnknownMarketplace or NoCredentials."""
        assert self.campaign is not None, self.subject
        return open_session(self.campaign, permit=self.permit)


@dataclass(frozen=True)
class Step:
    # In addresses, at the command line and in the audit log.
    name: str
    # On its button.
    title: str
    # Under its button, and in the documentation.
    sentence: str
    role: Role
    # Returns one sentence: what was done.
    run: Callable[[Work], str]
    subject: SubjectKind = "campaign"
    icon: str = ""
    # May commit money at a marketplace: real money takes a payer and a permit.
    spends: bool = False
    # True: within the request, in one transaction with its audit entry. False: by the web queue.
    is_quick: bool = False
    # It ends something and cannot be undone: the page shows it behind a fold, with a box that confirms it.
    is_last: bool = False
    # "" if the subject's page shows a button for it now, a sentence why not, or None: the page does not name it.
    why_not: Callable[[Any], str | None] = lambda subject: None
    # Raises what can be refused at once, before the web queue takes the work.
    check: Callable[[Work], None] = lambda work: None
    # Returns the options as the job's row keeps them: what they mean now, for a job that runs later, or again.
    fix_options: Callable[[Work], Any] = lambda work: work.options
    # A frozen dataclass of `options.option` fields: the command's arguments and the form's fields.
    options: type | None = None
    # What `run` and `check` may raise, besides a refusal of the marketplace or of the role.
    refusals: tuple[type[Refusal], ...] = ()
