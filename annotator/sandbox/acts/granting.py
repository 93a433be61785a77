"""Qualifications: types, requests by people with or without a test, grants, revocations."""

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext, gettext_noop

from annotator.sandbox.models import HITType, Message, Person, Qualification, QualificationRequest, QualificationType
from annotator.sandbox.questions import answer_key
from annotator.sandbox.questions.answers import Answer, write
from annotator.sandbox.rules.refusals import Code, Refused

State = QualificationRequest.State
TEST_IS_OVER = gettext_noop("The time for this test is over.")
ONCE_ONLY = gettext_noop("This qualification can be requested once only.")


def create_type(kind: QualificationType) -> QualificationType:
    """Raises Refused if the requester has one of this name."""
    try:
        with transaction.atomic():
            kind.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(
            Code.QUALIFICATION_TYPE_ALREADY_EXISTS,
            # Clients match this sentence.
            f"You have already created a QualificationType with this name. ({kind.name})",
        ) from error
    return kind


def delete_type(kind: QualificationType, *, now: dt.datetime) -> None:
    """No new HITs or HIT types can use it. Waiting requests are rejected. Holders keep it for open HITs."""
    kind.deleted_at = now
    kind.save(update_fields=["deleted_at"])
    kind.requests.filter(state__in=[State.STARTED, State.PENDING]).update(
        state=State.REJECTED, reason="The qualification type was deleted."
    )
    using = HITType.objects.filter(
        requester=kind.requester, requirements__contains=[{"QualificationTypeId": kind.mturk_id}]
    )
    using.update(is_deleted=True)


def grant(kind: QualificationType, person: Person, *, value: int, now: dt.datetime) -> Qualification:
    held, _ = Qualification.objects.update_or_create(
        type=kind, person=person, defaults={"value": value, "is_revoked": False, "reason": "", "granted_at": now}
    )
    return held


def revoke(held: Qualification, *, reason: str, now: dt.datetime) -> None:
    check_granted(held)
    held.is_revoked, held.reason = True, reason
    held.save(update_fields=["is_revoked", "reason"])
    tell(held.type, held.person, f"Qualification revoked: {held.type.name}", reason, now=now)


def check_granted(held: Qualification) -> None:
    """Raises Refused in the words that clients match."""
    if held.is_revoked:
        raise Refused(
            Code.INVALID_QUALIFICATION_STATE,
            "This operation can be called with a status of: Granted. This qualification was revoked.",
        )


def tell(kind: QualificationType, person: Person, subject: str, text: str, *, now: dt.datetime) -> None:
    Message.objects.create(
        requester=kind.requester, person=person, subject=subject[:200], text=text or "No reason was given.", sent_at=now
    )


@transaction.atomic
def start_request(kind: QualificationType, person: Person, *, now: dt.datetime) -> QualificationRequest | None:
    """A request; with a test it waits for the answers. None if it was granted at once. Raises Refused."""
    # As it is now: its requester may have changed or deleted it since it was read.
    kind = QualificationType.objects.select_for_update().get(id=kind.pk)
    running = kind.requests.filter(person=person, state=State.STARTED).first()
    if running and running.ends_at and now < running.ends_at:
        return running
    if running:
        reject_request(running, reason="The time for the test ran out.")
    _check_may_request(kind, person, now=now)
    begun: dict[str, Any] = {"state": State.PENDING, "submitted_at": now}
    if kind.test:
        ends_at = now + dt.timedelta(seconds=kind.test_duration_seconds or 0)
        begun = {"state": State.STARTED, "test": kind.test, "ends_at": ends_at}
    asked = QualificationRequest.objects.create(type=kind, person=person, started_at=now, **begun)
    if not kind.is_auto_granted:
        return asked
    # The request is kept: without a delay for another one, what is revoked is not granted again.
    accept_request(asked, value=kind.auto_granted_value, now=now)
    return None


def _check_may_request(kind: QualificationType, person: Person, *, now: dt.datetime) -> None:
    if not kind.is_active or kind.deleted_at:
        raise Refused(
            Code.INVALID_QUALIFICATION_TYPE_STATE, gettext_noop("This qualification cannot be requested now.")
        )
    held = kind.qualifications.filter(person=person, is_revoked=False).exists()
    if held and kind.retry_delay_seconds is None:
        raise Refused(Code.QUALIFICATION_ALREADY_EXISTS, gettext_noop("You hold this qualification already."))
    if kind.requests.filter(person=person, state=State.PENDING).exists():
        raise Refused(Code.QUALIFICATION_ALREADY_EXISTS, gettext_noop("Your request waits for the requester's answer."))
    last = kind.requests.filter(person=person).order_by("-started_at").first()
    # What was granted at once has no request if it was granted before requests were kept, or by the requester.
    was_revoked = kind.is_auto_granted and kind.qualifications.filter(person=person, is_revoked=True).exists()
    if kind.retry_delay_seconds is None:
        if last or was_revoked:
            raise Refused(Code.QUALIFICATION_ALREADY_EXISTS, ONCE_ONLY)
    elif last and now < last.started_at + dt.timedelta(seconds=kind.retry_delay_seconds):
        raise Refused(Code.QUALIFICATION_ALREADY_EXISTS, _tell_when_again(kind, started_at=last.started_at))


def _tell_when_again(kind: QualificationType, *, started_at: dt.datetime) -> str:
    if kind.retry_delay_seconds is None:
        return gettext(ONCE_ONLY)
    again = started_at + dt.timedelta(seconds=kind.retry_delay_seconds)
    return gettext("You may request this again from {time} UTC on.").format(time=f"{again:%Y-%m-%d %H:%M}")


def check_test_runs(request: QualificationRequest, *, now: dt.datetime) -> None:
    """Raises Refused if the time that was promised at its start is over."""
    if request.ends_at is None or now > request.ends_at:
        next_time = _tell_when_again(request.type, started_at=request.started_at)
        raise Refused(Code.INVALID_QUALIFICATION_STATE, f"{gettext(TEST_IS_OVER)} {next_time}")


@transaction.atomic
def submit_test(request: QualificationRequest, answers: list[Answer], *, now: dt.datetime) -> int | None:
    """The value if there is an answer key; None if the requester has to decide. Raises Refused."""
    kind = request.type
    request.answer, request.submitted_at, request.state = write(answers), now, State.PENDING
    # The same test may be submitted twice at once, or its type be deleted: what was read is no proof that it is open.
    is_first = QualificationRequest.objects.filter(pk=request.pk, state=State.STARTED).update(
        answer=request.answer, submitted_at=now, state=State.PENDING
    )
    if not is_first:
        raise Refused(Code.INVALID_QUALIFICATION_STATE, TEST_IS_OVER)
    check_test_runs(request, now=now)
    if not kind.answer_key or kind.test != request.test:
        return None
    chosen = {answer.question: frozenset(answer.selections) for answer in answers}
    value = answer_key.score(answer_key.read_answer_key(kind.answer_key), chosen)
    accept_request(request, value=value, now=now)
    return value


def accept_request(request: QualificationRequest, *, value: int, now: dt.datetime) -> None:
    request.state = State.GRANTED
    request.save(update_fields=["state"])
    grant(request.type, request.person, value=value, now=now)


def reject_request(request: QualificationRequest, *, reason: str) -> None:
    request.state, request.reason = State.REJECTED, reason
    request.save(update_fields=["state", "reason"])
