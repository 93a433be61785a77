"""A marketplace that only tests have, in memory, with rules of its own.

It does again what it is sent again. It can be asked for everything by our key, except for bonuses, which it never
shows. It has no overturning. It calls people guests and gives them tickets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from annotator.crowd.marketplaces.facts import Facts, FeeSchedule, Verb
from annotator.crowd.marketplaces.marketplace import JSON, Act, FormPost, Published, SentAct, Submission, Terms, Visit
from annotator.crowd.marketplaces.outcomes import (
    BadTerms,
    Done,
    MarketplaceRefused,
    NeedsHuman,
    NotDone,
    Outcome,
    VisitRefused,
)

URL = "https://bazaar.example"
ENDS_AS = {Verb.APPROVE: "approved", Verb.REJECT: "rejected"}


@dataclass
class Counter:
    """The bazaar's own books."""

    done: list[tuple[Verb, str]] = field(default_factory=list)
    made: dict[tuple[Verb, str], str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    paid: list[tuple[str, str]] = field(default_factory=list)
    tickets: dict[str, JSON] = field(default_factory=dict)

    def receive(self, form: Mapping[str, Any], *, guest: str, hit_id: str) -> None:
        """The form that a guest's browser posts."""
        assert form["submit_to"] == f"{URL}/done"
        fields = dict(form["fields"])
        self.tickets[fields.pop("ticket")] = {"guest": guest, "hit": hit_id, "state": "submitted", "fields": fields}


COUNTER = Counter()


class Bazaar:
    facts = Facts(
        name="bazaar",
        title="the bazaar · play money",
        label="Bazaar",
        tone="good",
        is_real_money=False,
        fees=FeeSchedule(share=Decimal("0.30"), large_hit_share=Decimal(0)),
        worker_url=URL,
        verbs=frozenset(Verb) - {Verb.OVERTURN},
        checks=frozenset(),
        token_life=timedelta(0),
        overturn_within=None,
        submit_origins=(URL,),
        frame_ancestors=(URL,),
    )

    account = None

    def check_credentials(self) -> None:
        pass

    def check_terms(self, terms: Terms) -> None:
        if terms.reward_usd < Decimal("0.10"):
            raise BadTerms("The bazaar's least reward is $0.10.")

    def translate(self, act: Act, *, key: str) -> JSON:
        wanted = {name: value for name, value in vars(act).items() if isinstance(value, int | str)}
        return {"key": key, "amount": str(getattr(act, "amount_usd", "")), **wanted}

    def send(self, verb: Verb, request: JSON, *, worker_id: str | None) -> Done:
        COUNTER.done.append((verb, request["key"]))
        external_id = f"{verb}-{len(COUNTER.done)}"
        COUNTER.made[verb, request["key"]] = external_id
        match verb:
            case Verb.PUBLISH:
                COUNTER.places[external_id] = request["n_assignments"]
            case Verb.EXTEND:
                COUNTER.places[request["hit_id"]] += request["n_more"]
            case Verb.STOP:
                COUNTER.stopped.add(request["hit_id"])
            case Verb.APPROVE | Verb.REJECT:
                COUNTER.tickets[request["assignment_id"]]["state"] = ENDS_AS[verb]
            case Verb.PAY_BONUS:
                COUNTER.paid.append((str(worker_id), request["amount"]))
        return Done(external_id=external_id)

    def find_outcome(self, act: SentAct, *, token_lives: bool, refusal: MarketplaceRefused | None = None) -> Outcome:
        if act.verb == Verb.PAY_BONUS:
            return NeedsHuman("The bazaar does not show its bonuses.")
        if act.verb == Verb.EXTEND:
            return Done() if COUNTER.places[act.request["hit_id"]] >= act.request["target"] else NotDone()
        if act.verb in ENDS_AS:
            is_ended = COUNTER.tickets[act.request["assignment_id"]]["state"] == ENDS_AS[act.verb]
            return Done() if is_ended else NotDone()
        made = COUNTER.made.get((act.verb, act.key))
        return Done(external_id=made) if made else NotDone()

    def was_returned(self, assignment_id: str) -> bool:
        return False

    def is_held(self, assignment_id: str) -> bool:
        return False

    def list_submissions(self, published: Published) -> Iterator[Submission]:
        for ticket, row in COUNTER.tickets.items():
            if row["hit"] == published.hit_id:
                yield Submission(
                    assignment_id=ticket,
                    worker_id=row["guest"],
                    state=row["state"],
                    submitted_at=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
                    auto_approval_at=None,
                    fields=row["fields"],
                    raw=str(row["fields"]),
                )

    def count_at_work(self, published: Published) -> int:
        return 0

    def read_visit(
        self, query: Mapping[str, str], *, cookies: Mapping[str, str], expected: Published, now: datetime
    ) -> Visit:
        if "ticket" not in query:
            return Visit(is_preview=True)
        if query.get("stall") != expected.hit_id:
            raise VisitRefused("This is another stall's page.", status=404)
        ids = {"assignment_id": query["ticket"], "worker_id": query["guest"]}
        return Visit(is_preview=False, submit_origin=URL, is_confirmed=True, **ids)

    def hand_back(self, visit: Visit, fields: Mapping[str, str], *, receipt: str) -> FormPost:
        return FormPost(url=f"{visit.submit_origin}/done", fields={"ticket": visit.assignment_id, **fields})

    def is_simulated(self, worker_id: str) -> bool:
        return worker_id.startswith("puppet-")

    def subscribe(self, hit_type_id: str) -> None:
        pass

    def read_event(self, document: Any) -> set[str]:
        return {str(document.get("stall"))}


def open_bazaar(name: str) -> Bazaar:
    return Bazaar()
