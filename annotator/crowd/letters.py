"""What people write to the requester, and the answers: kept here, so that pages need no marketplace to show them."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign, Letter
from annotator.crowd.pseudonyms import keep_worker
from annotator.refusals import Refusal

log = logging.getLogger(__name__)
MAX_SUBJECT, MAX_TEXT = 200, 4096
ERASED = "The person was erased: nobody is left to answer."


class CannotAnswer(Refusal):
    """The answer is empty or too long, or there is nobody to write to."""


def list_marketplaces() -> list[str]:
    """Names of those where something was published."""
    published = Campaign.objects.filter(is_imported=False, published_at__isnull=False)
    return sorted(published.order_by().values_list("marketplace", flat=True).distinct())


def collect_letters(*, now: datetime) -> int:
    """Takes in what people wrote since; returns how many letters are new. One marketplace stops no other."""
    n_new = 0
    for name in list_marketplaces():
        try:
            n_new += _collect_at(name, now=now)
        except Refusal as reason:
            log.warning("Letters at %s cannot be read: %s", name, reason)
    return n_new


def _collect_at(name: str, *, now: datetime) -> int:
    """Newest first, until one that is known: older ones were taken in before it."""
    marketplace = open_marketplace(name)
    if marketplace.account is None:
        return 0
    new = []
    for letter in marketplace.account.list_letters():
        if Letter.objects.filter(marketplace=name, external_id=letter.letter_id).exists():
            break
        new.append(letter)
    with transaction.atomic():
        for letter in reversed(new):
            worker = keep_worker(
                marketplace=name,
                worker_id=letter.worker_id,
                is_simulated=marketplace.is_simulated(letter.worker_id),
                now=now,
            )
            Letter.objects.get_or_create(
                marketplace=name,
                external_id=letter.letter_id,
                defaults={
                    "worker": worker,
                    "subject": letter.subject[:MAX_SUBJECT],
                    "text": letter.text,
                    "at": letter.at,
                },
            )
    return len(new)


def find_unread() -> "QuerySet[Letter]":
    """Letters that nobody here has read."""
    return Letter.objects.filter(answered_to=None, read_at=None).exclude(text="")


def write_answer(letter: Letter, *, text: str, by: str, now: datetime) -> Letter:
    """An answer that `send_answer` sends; the letter is read now. Raises CannotAnswer; nothing is kept then."""
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise CannotAnswer(f"Write a text of at most {MAX_TEXT:,} characters.")
    if letter.worker.external_id is None:
        raise CannotAnswer(ERASED)
    subject = letter.subject if letter.subject.startswith("Re: ") else f"Re: {letter.subject}"
    Letter.objects.filter(pk=letter.pk, read_at=None).update(read_at=now)
    return Letter.objects.create(
        marketplace=letter.marketplace, worker=letter.worker, answered_to=letter, subject=subject[:MAX_SUBJECT],
        text=text, at=now, written_by=by, problem="It was not sent yet.",
    )  # fmt: skip


def send_answer(answer: Letter) -> str:
    """Why it did not reach the person; "" if it did. Sent again, it may arrive twice: there is no token for it."""
    problem = _try(answer)[:300]
    Letter.objects.filter(pk=answer.pk).update(problem=problem)
    return problem


def _try(answer: Letter) -> str:
    if answer.worker.external_id is None:
        return ERASED
    try:
        account = open_marketplace(answer.marketplace).account
        if account is None:
            return "Nobody is written to at this marketplace."
        account.write(answer.worker.external_id, subject=answer.subject, text=answer.text)
    except Refusal as reason:
        return str(reason)
    return ""
