"""The one seam to a marketplace: the acts in our own words, and the methods of an adapter that translates them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol

from annotator.crowd.hit_types.screening import Screening
from annotator.crowd.marketplaces.facts import Facts, Verb
from annotator.crowd.marketplaces.outcomes import Done, MarketplaceRefused, Outcome

JSON = dict[str, Any]


@dataclass(frozen=True)
class Register:
    """A HIT type. `requirements`: as in `Campaign.qualifications`; `only`: the one qualification that may see it."""

    verb: ClassVar = Verb.REGISTER
    title: str
    description: str
    keywords: str
    reward_usd: Decimal
    assignment_seconds: int
    auto_approval_seconds: int
    requirements: Mapping[str, Any] = field(default_factory=dict)
    # How long one assignment takes a person, as the HIT type says.
    expected_seconds: int = 0


@dataclass(frozen=True)
class Page:
    """A page of ours that the marketplace shows in a frame."""

    url: str
    frame_height_px: int


@dataclass(frozen=True)
class ThanksPage:
    """A page of the marketplace's own: thanks, a receipt, and one button that submits."""

    receipt: str


@dataclass(frozen=True)
class Publish:
    verb: ClassVar = Verb.PUBLISH
    hit_type_id: str
    n_assignments: int
    lifetime_seconds: int
    page: Page | ThanksPage
    # For marketplaces that state with each HIT what others state once for a HIT type.
    kind: Register | None = None


@dataclass(frozen=True)
class Extend:
    """`n_more` assignments, which makes `target` in all."""

    verb: ClassVar = Verb.EXTEND
    hit_id: str
    n_more: int
    target: int


@dataclass(frozen=True)
class Stop:
    verb: ClassVar = Verb.STOP
    hit_id: str


@dataclass(frozen=True)
class Prolong:
    """People can take the HIT until then (UTC, whole seconds)."""

    verb: ClassVar = Verb.PROLONG
    hit_id: str
    until: datetime


@dataclass(frozen=True)
class Approve:
    verb: ClassVar = Verb.APPROVE
    assignment_id: str


@dataclass(frozen=True)
class Reject:
    verb: ClassVar = Verb.REJECT
    assignment_id: str
    feedback: str


@dataclass(frozen=True)
class Overturn:
    """Approves after a rejection."""

    verb: ClassVar = Verb.OVERTURN
    assignment_id: str
    feedback: str


@dataclass(frozen=True)
class PayBonus:
    verb: ClassVar = Verb.PAY_BONUS
    assignment_id: str
    amount_usd: Decimal
    reason: str


@dataclass(frozen=True)
class Qualify:
    """Makes a qualification, found by its name if it exists, and gives it to the act's worker, if there is one."""

    verb: ClassVar = Verb.QUALIFY
    name: str
    description: str
    keywords: str = ""
    screening: Screening | None = None


Act = Register | Publish | Extend | Stop | Prolong | Approve | Reject | Overturn | PayBonus | Qualify


@dataclass(frozen=True)
class SentAct:
    """An act that may have been done: its request as it was sent, and what its outcome is judged by."""

    verb: Verb
    key: str
    request: JSON
    expected: JSON


@dataclass(frozen=True)
class Terms:
    """`max_assignments`: up to how many one HIT may be extended later; None: never."""

    n_assignments: int
    max_assignments: int | None
    reward_usd: Decimal


@dataclass(frozen=True)
class Published:
    """A HIT as the marketplace knows it; `hit_id` is empty before it is published."""

    hit_id: str
    is_stopped: bool = False


@dataclass(frozen=True)
class Submission:
    """One assignment that somebody submitted. `state`: submitted, approved or rejected; times in UTC.

    `raw` is the answer as the marketplace holds it; `fields` are the form's fields, None if `raw` cannot be read.
    """

    assignment_id: str
    worker_id: str
    state: str
    submitted_at: datetime | None
    auto_approval_at: datetime | None
    fields: Mapping[str, str] | None
    raw: str
    # None: the marketplace does not tell.
    accepted_at: datetime | None = None


@dataclass(frozen=True)
class Visit:
    """One visit of the HIT page, as its address tells of it. Nobody is at work in a preview.

    `is_confirmed`: the marketplace has said that this worker holds this assignment. Without it the visit is claimed:
    the address is the browser's word.
    """

    is_preview: bool
    assignment_id: str = ""
    worker_id: str = ""
    submit_origin: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True)
class FormPost:
    """How the browser hands an answer back: these fields, sent to this address."""

    url: str
    fields: Mapping[str, str]
    method: Literal["post", "get"] = "post"


@dataclass(frozen=True)
class Letter:
    """What a person wrote to the requester; `at` in UTC."""

    letter_id: str
    worker_id: str
    subject: str
    text: str
    at: datetime


class Account(Protocol):
    """What the requester has at a marketplace beside campaigns. Methods raise as an adapter's do."""

    def read_balance(self) -> Decimal:
        """What can still be spent, in dollars."""

    def list_letters(self) -> Iterator[Letter]:
        """The newest first; none where the marketplace sends them by e-mail."""

    def write(self, worker_id: str, *, subject: str, text: str) -> None: ...


class Marketplace(Protocol):
    """An adapter. Outward methods raise MarketplaceRefused, OutcomeUnknown or MarketplaceSilent."""

    @property
    def facts(self) -> Facts: ...

    @property
    def account(self) -> Account | None:
        """None where a requester has no balance and nobody is written to."""

    def check_credentials(self) -> None:
        """Raises NoCredentials. Nothing is sent."""

    def check_terms(self, terms: Terms) -> None:
        """Raises BadTerms if its rules do not allow them."""

    def translate(self, act: Act, *, key: str) -> JSON:
        """The request that `send` takes. It is written with the decision and sent as it was written."""

    def send(self, verb: Verb, request: JSON, *, worker_id: str | None) -> Done:
        """Does the act. `worker_id`: whose work it is about; requests are stored without it."""

    def find_outcome(self, act: SentAct, *, token_lives: bool, refusal: MarketplaceRefused | None = None) -> Outcome:
        """What the marketplace shows of an act whose outcome is unknown, or that it refused just now."""

    def list_submissions(self, published: Published) -> Iterator[Submission]: ...

    def count_at_work(self, published: Published) -> int:
        """How many people have taken the HIT and not yet submitted or returned it."""

    def was_returned(self, assignment_id: str) -> bool:
        """True if the marketplace says that the worker gave this assignment back. Amazon's do not tell: False."""

    def is_held(self, assignment_id: str) -> bool:
        """True if the worker can still submit this assignment, or has submitted it. Amazon's tell the latter alone."""

    def read_visit(
        self, query: Mapping[str, str], *, cookies: Mapping[str, str], expected: Published, now: datetime
    ) -> Visit:
        """Who opens the HIT page, from its address, and whether the marketplace confirms it. Raises VisitRefused.

        `cookies`: of the browser; in a marketplace's frame most browsers send none.
        """

    def hand_back(self, visit: Visit, fields: Mapping[str, str], *, receipt: str) -> FormPost: ...

    def is_simulated(self, worker_id: str) -> bool:
        """True for a program of the demo or of a test."""

    def subscribe(self, hit_type_id: str) -> None:
        """Asks for events, if the settings name a queue. Twice is once; a refusal changes nothing."""

    def read_event(self, document: Any) -> set[str]:
        """The HIT ids that an event names."""
