"""The adapter of Prolific: a HIT is a study, an assignment a submission, and paying a bonus is never repeated."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from annotator.counters import count_up
from annotator.crowd.marketplaces.facts import Facts, FeeSchedule, Verb
from annotator.crowd.marketplaces.marketplace import JSON, Act, FormPost, Published, SentAct, Submission, Terms, Visit
from annotator.crowd.marketplaces.outcomes import (
    BadTerms,
    Done,
    MarketplaceRefused,
    Outcome,
    OutcomeUnknown,
    RealMoneyRefused,
    VisitRefused,
)
from annotator.crowd.marketplaces.prolific import finding, wire
from annotator.crowd.marketplaces.prolific.client import ProlificClient, ProlificThrottled, read_token
from annotator.crowd.models import Assignment

APP = "https://app.prolific.com"
_ID = re.compile(r"[0-9a-f]{24}")
# Prolific's ids begin with the time at which they were made; this time was before Prolific.
SIMULATED = "00000000"
AUTO_APPROVAL = timedelta(days=21)
MAX_BONUS_TRIES = 4  # of what is certainly not paid yet
MAX_LOOKUPS_PER_MINUTE = 300
_SPENDING = {Verb.PUBLISH, Verb.EXTEND, Verb.PAY_BONUS}
_STATES = {
    "AWAITING REVIEW": "submitted",
    "APPROVED": "approved",
    "PARTIALLY APPROVED": "approved",
    "REJECTED": "rejected",
}
_AT_WORK = {"RESERVED", "ACTIVE"}
_OVER = {"RETURNED", "TIMED-OUT", "SCREENED OUT"}
ASK_AGAIN = gettext_noop(
    "Prolific does not answer now, so that we cannot see that this place is yours. Please reload in a minute."
)


def open_prolific(name: str) -> "Prolific":
    return Prolific()


class Prolific:
    @property
    def facts(self) -> Facts:
        return Facts(
            name="prolific",
            title="Prolific · real money",
            label="Prolific: real money",
            tone="bad",
            is_real_money=True,
            fees=FeeSchedule(share=settings.PROLIFIC_FEE, large_hit_share=Decimal(0), min_usd=Decimal(0)),
            worker_url=f"{APP}/",
            verbs=frozenset(Verb) - {Verb.QUALIFY, Verb.OVERTURN},
            checks=frozenset(["min_approval_percent", "min_approved"]),
            token_life=timedelta(0),
            overturn_within=None,
            submit_origins=(APP,),
            frame_ancestors=("'none'",),
        )

    @functools.cached_property
    def client(self) -> ProlificClient:
        return ProlificClient()

    @property
    def account(self) -> None:
        """Balance and messages stay at Prolific."""

    def check_credentials(self) -> None:
        read_token()

    def check_terms(self, terms: Terms) -> None:
        if terms.reward_usd <= 0:
            raise BadTerms("Prolific takes no study without a reward.")

    def translate(self, act: Act, *, key: str) -> JSON:
        return wire.translate(act, key=key)

    def send(self, verb: Verb, request: JSON, *, worker_id: str | None) -> Done:
        if verb in _SPENDING and not settings.REAL_MONEY_ALLOWED:
            raise RealMoneyRefused("prolific pays with real money and REAL_MONEY_ALLOWED is not set.")
        return _SENDS[verb](self.client, request)

    def find_outcome(self, act: SentAct, *, token_lives: bool, refusal: MarketplaceRefused | None = None) -> Outcome:
        return finding.find_outcome(act, client=self.client, refusal=refusal)

    def list_submissions(self, published: Published) -> Iterator[Submission]:
        """Prolific holds no answers: they are stored here, or there are none."""
        for entry in self._list(published):
            if entry.get("status") in _STATES:
                completed = _read_time(entry.get("completed_at"))
                yield Submission(
                    assignment_id=str(entry["id"]),
                    worker_id=str(entry["participant_id"]),
                    state=_STATES[entry["status"]],
                    submitted_at=completed,
                    auto_approval_at=completed + AUTO_APPROVAL if completed else None,
                    fields=None,
                    raw="",
                    accepted_at=_read_time(entry.get("started_at")),
                )

    def count_at_work(self, published: Published) -> int:
        return sum(entry.get("status") in _AT_WORK for entry in self._list(published))

    def _list(self, published: Published) -> Iterator[JSON]:
        return self.client.list_all(f"studies/{published.hit_id}/submissions/")

    def was_returned(self, assignment_id: str) -> bool:
        """False of a submission that Prolific does not know: collecting goes on with the others."""
        try:
            return self._read_status(assignment_id) == "RETURNED"
        except MarketplaceRefused:
            return False

    def is_held(self, assignment_id: str) -> bool:
        """Raises MarketplaceRefused if Prolific does not know the submission."""
        return self._read_status(assignment_id) not in _OVER

    def _read_status(self, submission_id: str) -> str:
        return str(self.client.get(f"submissions/{submission_id}/").get("status"))

    def read_visit(
        self, query: Mapping[str, str], *, cookies: Mapping[str, str], expected: Published, now: datetime
    ) -> Visit:
        """Prolific is asked whether this participant holds this submission, so that every visit is confirmed."""
        if wire.SUBMISSION not in query:
            if expected.is_stopped:
                raise VisitRefused("This study was stopped and cannot be taken any more.", status=410)
            return Visit(is_preview=True)
        ids = [query.get(name, "") for name in (wire.SUBMISSION, wire.PARTICIPANT, wire.STUDY)]
        if not all(map(_ID.fullmatch, ids)) or ids[2] != expected.hit_id:
            raise VisitRefused("This page belongs to another study: please open it from Prolific.", status=404)
        submission_id, participant_id, study_id = ids
        if count_up(f"prolific:{study_id}:{now:%H%M}", seconds=60) > MAX_LOOKUPS_PER_MINUTE:
            raise VisitRefused("Too many visits came at once. Please reload in a minute.", status=429)
        self._check_submission(submission_id, participant_id=participant_id, study_id=study_id)
        return Visit(
            is_preview=False,
            assignment_id=submission_id,
            worker_id=participant_id,
            submit_origin=APP,
            is_confirmed=True,
        )

    def _check_submission(self, submission_id: str, *, participant_id: str, study_id: str) -> None:
        try:
            found = self.client.get(f"submissions/{submission_id}/")
        except OutcomeUnknown:
            raise VisitRefused(ASK_AGAIN, status=503) from None
        except MarketplaceRefused:
            found = {}
        if (found.get("participant"), found.get("study_id")) != (participant_id, study_id):
            raise VisitRefused("Prolific does not know this visit: please open the study from there.", status=404)
        if found.get("status") in _OVER:
            raise VisitRefused("Prolific says that your place in this study was given back, or is over.", status=410)

    def hand_back(self, visit: Visit, fields: Mapping[str, str], *, receipt: str) -> FormPost:
        """The completion code of the study. The answer stays here: Prolific takes none."""
        rows = Assignment.objects.filter(external_id=visit.assignment_id, hit__campaign__marketplace="prolific")
        public_id = rows.values_list("hit__public_id", flat=True)[0]
        code = wire.make_completion_code(wire.make_page_path(public_id))
        return FormPost(url=f"{visit.submit_origin}/submissions/complete", fields={"cc": code}, method="get")

    def is_simulated(self, worker_id: str) -> bool:
        return worker_id.startswith(SIMULATED)

    def subscribe(self, hit_type_id: str) -> None:
        """Campaigns are collected each minute."""

    def read_event(self, document: Any) -> set[str]:
        study_id = document.get("study_id") if isinstance(document, dict) else None
        return {study_id[:64]} if isinstance(study_id, str) else set()


def _publish(client: ProlificClient, request: JSON) -> Done:
    """Two calls: a draft, which costs nothing and is found again by our key, and its publication."""
    draft = finding.find_study(client, key=request["study"]["internal_name"]) or client.post(
        "studies/", request["study"]
    )
    currency = draft.get("presentment_currency_code") or draft.get("currency_code") or "USD"
    if currency != "USD":
        raise MarketplaceRefused(
            f"Your workspace at Prolific pays in {currency}. Amounts here are dollars: use a workspace in USD.",
            code="Currency",
        )
    client.post(f"studies/{draft['id']}/transition/", {"action": "PUBLISH"})
    return Done(external_id=str(draft["id"]), response={"id": draft["id"]})


def _extend(client: ProlificClient, request: JSON) -> Done:
    places = {"total_available_places": request["total_available_places"]}
    client.patch(f"studies/{request['study_id']}/", places)
    return Done()


def _decide(action: str) -> Callable[[ProlificClient, JSON], Done]:
    def send(client: ProlificClient, request: JSON) -> Done:
        said = {"message": request["message"], "rejection_category": "OTHER"} if action == "REJECT" else {}
        client.post(f"submissions/{request['submission_id']}/transition/", {"action": action, **said})
        return Done()

    return send


def _pay_bonus(client: ProlificClient, request: JSON) -> Done:
    """Setting it up pays nothing; paying is documented as not idempotent, and is asked for once.

    It is asked for again only if Prolific has said that it took nothing.
    """
    submission_id = request["submission_id"]
    study_id = client.get(f"submissions/{submission_id}/")["study_id"]
    bonus = client.post(
        "submissions/bonus-payments/",
        {"study_id": study_id, "csv_bonuses": f"{submission_id},{request['amount']}\n"},
    )
    for number in range(1, MAX_BONUS_TRIES + 1):
        try:
            client.post(f"bulk-bonus-payments/{bonus['id']}/pay/", {})
            break
        except ProlificThrottled:
            if number == MAX_BONUS_TRIES:
                raise
    return Done(response={"bonus_id": str(bonus["id"])})


def _stop(client: ProlificClient, request: JSON) -> Done:
    client.post(f"studies/{request['study_id']}/transition/", {"action": "STOP"})
    return Done()


def _read_time(text: Any) -> datetime | None:
    if not text:
        return None
    when = datetime.fromisoformat(str(text))
    return when if when.tzinfo else when.replace(tzinfo=UTC)


_SENDS: dict[Verb, Callable[[ProlificClient, JSON], Done]] = {
    # Prolific has no kinds of studies: what a kind says stands in each study.
    Verb.REGISTER: lambda client, request: Done(external_id=f"prolific-{request['key'][:40]}"),
    Verb.PUBLISH: _publish,
    Verb.EXTEND: _extend,
    Verb.STOP: _stop,
    # A study there has no end of its own: the time is ours alone.
    Verb.PROLONG: lambda client, request: Done(),
    Verb.APPROVE: _decide("APPROVE"),
    Verb.REJECT: _decide("REJECT"),
    Verb.PAY_BONUS: _pay_bonus,
}
