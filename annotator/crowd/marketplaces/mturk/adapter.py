"""The adapter of the marketplaces that speak MTurk: our verbs in its operations, its rules, its pages' parameters."""

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from django.conf import settings

from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.marketplaces.facts import Facts, Verb
from annotator.crowd.marketplaces.marketplace import JSON, Act, FormPost, Published, SentAct, Submission, Terms, Visit
from annotator.crowd.marketplaces.mturk import events, finding, visits, wire
from annotator.crowd.marketplaces.mturk.account import MTurkAccount
from annotator.crowd.marketplaces.mturk.client import MTurkClient, read_credentials
from annotator.crowd.marketplaces.mturk.facts import Place, find_place
from annotator.crowd.marketplaces.outcomes import (
    BadTerms,
    Done,
    MarketplaceRefused,
    Outcome,
    RealMoneyRefused,
    VisitRefused,
)

MIN_REWARD_USD = Decimal("0.01")
# A HIT that starts with fewer assignments can never have as many, because the fee is higher from here on.
LARGE_HIT = 10
MAX_XML = 131_072
NO_ASSIGNMENT = "ASSIGNMENT_ID_NOT_AVAILABLE"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
EVENTS = ["AssignmentSubmitted", "AssignmentReturned", "AssignmentAbandoned", "HITReviewable", "HITExpired"]
_SPENDING = {Verb.PUBLISH, Verb.EXTEND, Verb.PAY_BONUS}
_STATES = {"Submitted": "submitted", "Approved": "approved", "Rejected": "rejected"}


def open_mturk(name: str) -> "MTurkMarketplace":
    return MTurkMarketplace(find_place(name))


class MTurkMarketplace:
    def __init__(self, place: Place) -> None:
        self.place = place

    @property
    def facts(self) -> Facts:
        return self.place.facts

    @functools.cached_property
    def client(self) -> MTurkClient:
        return MTurkClient(self.place)

    @functools.cached_property
    def account(self) -> MTurkAccount:
        return MTurkAccount(self.place)

    def check_credentials(self) -> None:
        read_credentials(self.place)

    def check_terms(self, terms: Terms) -> None:
        if terms.reward_usd < MIN_REWARD_USD:
            raise BadTerms(f"The least reward is ${MIN_REWARD_USD}.")
        if terms.max_assignments is not None and terms.n_assignments < LARGE_HIT <= terms.max_assignments:
            raise BadTerms(f"A HIT of fewer than {LARGE_HIT} assignments can never be extended to {LARGE_HIT} or more.")

    def translate(self, act: Act, *, key: str) -> JSON:
        return wire.translate(act, key=key, submit_url=_make_submit_url(self.facts.submit_origins[0]))

    def send(self, verb: Verb, request: JSON, *, worker_id: str | None) -> Done:
        if verb in _SPENDING and self.facts.is_real_money and not settings.REAL_MONEY_ALLOWED:
            raise RealMoneyRefused(f"{self.facts.name} pays with real money and REAL_MONEY_ALLOWED is not set.")
        if verb == Verb.QUALIFY:
            return self._qualify(request, worker_id=worker_id)
        if verb == Verb.PAY_BONUS and worker_id is not None:
            request = {**request, "WorkerId": worker_id}
        response = self.client.call(wire.OPERATIONS[verb], request)
        return Done(external_id=wire.find_made_id(verb, response), response=_as_json(response))

    def find_outcome(self, act: SentAct, *, token_lives: bool, refusal: MarketplaceRefused | None = None) -> Outcome:
        return finding.find_outcome(act, client=self.client, token_lives=token_lives, refusal=refusal)

    def list_submissions(self, published: Published) -> Iterator[Submission]:
        """Nothing for a HIT that was disposed: what was collected of it is kept."""
        request = {"HITId": published.hit_id, "AssignmentStatuses": list(_STATES)}
        try:
            for entry in self.client.list_all("ListAssignmentsForHIT", "Assignments", **request):
                yield _read_submission(entry)
        except MarketplaceRefused as refusal:
            if "DoesNotExist" not in refusal.code:
                raise

    def count_at_work(self, published: Published) -> int:
        """Nobody, for a HIT that was disposed."""
        try:
            return int(self.client.call("GetHIT", {"HITId": published.hit_id})["HIT"]["NumberOfAssignmentsPending"])
        except MarketplaceRefused as refusal:
            if "DoesNotExist" not in refusal.code:
                raise
            return 0

    def was_returned(self, assignment_id: str) -> bool:
        if not self.place.signs_visits:
            return False
        try:
            self.client.call("GetAssignment", {"AssignmentId": assignment_id})
        except MarketplaceRefused as refusal:
            return "DoesNotExist" in refusal.code and "was returned" in str(refusal)
        return False

    def is_held(self, assignment_id: str) -> bool:
        """True if it was submitted: only then the requester may see it."""
        try:
            self.client.call("GetAssignment", {"AssignmentId": assignment_id})
        except MarketplaceRefused as refusal:
            if "Assignment" not in refusal.code:
                raise
            return False
        return True

    def read_visit(
        self, query: Mapping[str, str], *, cookies: Mapping[str, str], expected: Published, now: datetime
    ) -> Visit:
        assignment_id = query.get("assignmentId", NO_ASSIGNMENT)
        if assignment_id in ("", NO_ASSIGNMENT):
            if expected.is_stopped:  # who took it before it was withdrawn may finish, and is paid
                raise VisitRefused("This HIT was withdrawn and cannot be accepted any more.", status=410)
            return Visit(is_preview=True)
        worker_id = query.get("workerId", "")
        if not (_ID.fullmatch(assignment_id) and _ID.fullmatch(worker_id)):
            sentence = "The marketplace did not say who works on this HIT: please open it from there."
            raise VisitRefused(sentence, status=400)
        submit_origin = match_submit_origin(query.get("turkSubmitTo", ""), self.facts.submit_origins)
        if submit_origin is None:
            raise VisitRefused(
                "This page was opened with an address to submit to that is not the marketplace's, so it does not "
                "start. Please open the HIT from the marketplace.",
                status=400,
            )
        if expected.hit_id and query.get("hitId", "") != expected.hit_id:
            raise VisitRefused("This page belongs to another HIT: please open it from the marketplace.", status=404)
        return Visit(
            is_preview=False,
            assignment_id=assignment_id,
            worker_id=worker_id,
            submit_origin=submit_origin,
            is_confirmed=self._confirms(query, expected=expected, now=now),
        )

    def _confirms(self, query: Mapping[str, str], *, expected: Published, now: datetime) -> bool:
        """False: not yet known. The list of submissions tells later."""
        if not self.place.signs_visits or query.get("hitId", "") != expected.hit_id:
            return False
        _, secret = settings.MARKETPLACE_CREDENTIALS[self.facts.name]
        return visits.is_proved(query, secret=secret, now=now)

    def hand_back(self, visit: Visit, fields: Mapping[str, str], *, receipt: str) -> FormPost:
        sent = {"assignmentId": visit.assignment_id, **fields, "receipt": receipt}
        return FormPost(url=_make_submit_url(visit.submit_origin), fields=sent)

    def is_simulated(self, worker_id: str) -> bool:
        return bool(self.place.simulated_prefix) and worker_id.startswith(self.place.simulated_prefix)

    def subscribe(self, hit_type_id: str) -> None:
        """Without it answers are collected a minute later, so that a refusal is passed over."""
        if destination := settings.NOTIFICATION_QUEUE_URL:
            asked = {"Destination": destination, "Transport": "SQS", "Version": "2014-08-15", "EventTypes": EVENTS}
            request = {"HITTypeId": hit_type_id, "Notification": asked, "Active": True}
            with contextlib.suppress(MarketplaceRefused):
                self.client.call("UpdateNotificationSettings", request)

    def read_event(self, document: Any) -> set[str]:
        return events.read_event(document)

    def _qualify(self, request: JSON, *, worker_id: str | None) -> Done:
        """Two calls, each safe to repeat: one finds or makes the qualification, granting twice is once."""
        qualification_id = self.client.find_or_create_qualification(request)
        if worker_id is not None:
            grant = {"QualificationTypeId": qualification_id, "WorkerId": worker_id, "SendNotification": True}
            self.client.call("AssociateQualificationWithWorker", grant)
        return Done(external_id=qualification_id)


def match_submit_origin(turk_submit_to: str, allowed: Sequence[str]) -> str | None:
    """The allowed origin that equals what the page was given, or None. Nothing is parsed, so nothing is fooled."""
    given = turk_submit_to.removesuffix("/")
    return next((origin for origin in allowed if origin == given), None)


def _make_submit_url(submit_origin: str) -> str:
    return f"{submit_origin}/mturk/externalSubmit"


def read_xml_fields(xml: str) -> dict[str, str]:
    """QuestionIdentifier -> FreeText of every answer; no entities, no document types. Raises BadAnswer."""
    if len(xml) > MAX_XML:
        raise BadAnswer("The answer is too long to be one of this page's.", field="description")
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadAnswer(f"The marketplace's answer is not XML: {type(error).__name__}.", field="description") from None
    answers = root.iterfind(".//{*}Answer")
    return {answer.findtext("{*}QuestionIdentifier", ""): answer.findtext("{*}FreeText", "") for answer in answers}


def _read_submission(entry: JSON) -> Submission:
    raw = entry.get("Answer", "")
    try:
        fields = read_xml_fields(raw)
    except BadAnswer:
        fields = None
    return Submission(
        assignment_id=entry["AssignmentId"],
        worker_id=entry["WorkerId"],
        state=_STATES[entry["AssignmentStatus"]],
        submitted_at=entry.get("SubmitTime"),
        auto_approval_at=entry.get("AutoApprovalTime"),
        fields=fields,
        raw=raw,
        accepted_at=entry.get("AcceptTime"),
    )


def _as_json(value: Any) -> Any:
    """A response as JSON keeps it: times as text."""
    if isinstance(value, dict):
        return {key: _as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
