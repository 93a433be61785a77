"""What people write to the requester, and the answers: kept here, so that pages need no marketplace to show them."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from annotator.crowd.marketplaces.marketplace import Letter as Written
from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import ANSWERED, Assignment, Campaign, Letter
from annotator.crowd.pseudonyms import keep_worker
from annotator.refusals import Refusal

log = logging.getLogger(__name__)
MAX_SUBJECT, MAX_TEXT = 200, 4096
# Looked up, and written, at once.
PAGE_SIZE = 100
# Any fixed number. Held while letters are written, so that none is taken in twice, the second time after an erasure.
_LOCK = 7_312_043
NOT_SENT = "It was not sent yet."
# Longer than a try takes: until then an answer is just being sent.
TRY_TIME = timedelta(minutes=1)
ERASED = "The person was erased: nobody is left to answer."


class CannotAnswer(Refusal):
    """The answer is empty, too long or just being sent, or there is nobody to write to."""


def list_marketplaces() -> list[str]:
    """Names of those where something was published."""
    published = Campaign.objects.filter(is_imported=False, published_at__isnull=False)
    return sorted(published.order_by().values_list("marketplace", flat=True).distinct())


def find_campaigns(letters: Sequence[Letter]) -> dict[int, str]:
    """Letter -> the name of the campaign in which its person answered the HIT that its subject names, as the worker
    site writes it.
    """
    words = [(one.pk, (one.worker_id, word)) for one in letters for word in one.subject.split()]
    answers = Assignment.objects.filter(worker__in=[one.worker_id for one in letters], state__in=ANSWERED)
    answers = answers.filter(hit__external_id__in=[word for _, (_, word) in words])
    named = {
        (one.worker_id, one.hit.external_id): one.hit.campaign.name
        for one in answers.select_related("hit__campaign").only("worker", "hit__external_id", "hit__campaign__name")
    }
    return {letter: named[key] for letter, key in words if key in named}


def collect_letters(*, now: datetime) -> int:
    """Takes in what people wrote since; returns how many letters are new. One marketplace stops no other."""
    n_new = 0
    for name in list_marketplaces():
        try:
            n_new += collect_letters_at(name, now=now)
        except Refusal as reason:
            log.warning("Letters at %s cannot be read: %s", name, reason)
    return n_new


def collect_letters_at(name: str, *, now: datetime) -> int:
    """As `collect_letters`, of one marketplace. Raises what its account raises.

    Newest first, to the end of the page of the first that is known: one that was noted late lies near it. The oldest
    page is written first, so that a process that dies in the middle leaves the rest to the next one.
    """
    if name not in list_marketplaces() or (marketplace := open_marketplace(name)).account is None:
        return 0
    letters, pages = marketplace.account.list_letters(), []
    while page := list(islice(letters, PAGE_SIZE)):
        pages.append(page)
        if _find_known(name, page):
            break
    return sum(_take_in(marketplace, page, now=now) for page in reversed(pages))


def _find_known(name: str, page: Iterable[Written]) -> set[str]:
    ids = [one.letter_id for one in page]
    return set(Letter.objects.filter(marketplace=name, external_id__in=ids).values_list("external_id", flat=True))


def _take_in(marketplace: Marketplace, page: list[Written], *, now: datetime) -> int:
    """How many are new. Of one that is known nobody is kept: the person may be erased."""
    name = marketplace.facts.name
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        known = _find_known(name, page)
        new = [one for one in reversed(page) if one.letter_id not in known]
        for one in new:
            simulated = marketplace.is_simulated(one.worker_id)
            worker = keep_worker(marketplace=name, worker_id=one.worker_id, is_simulated=simulated, now=now)
            Letter.objects.create(
                marketplace=name, external_id=one.letter_id, worker=worker, subject=one.subject[:MAX_SUBJECT],
                text=one.text, at=one.at,
            )  # fmt: skip
    return len(new)


def find_unread() -> "QuerySet[Letter]":
    """Letters that nobody here has read."""
    return Letter.objects.filter(answered_to=None, read_at=None).exclude(text="")


def write_answer(letter: Letter, *, text: str, by: str, now: datetime) -> Letter:
    """An answer that `send_answer` sends; the letter is read now. Raises CannotAnswer; nothing is kept then."""
    text = text.replace("\r\n", "\n").strip()  # as a form counts its letters
    if not text or len(text) > MAX_TEXT:
        raise CannotAnswer(f"Write a text of at most {MAX_TEXT:,} characters.")
    if letter.worker.external_id is None:
        raise CannotAnswer(ERASED)
    subject = letter.subject if letter.subject.startswith("Re: ") else f"Re: {letter.subject}"
    with transaction.atomic():
        Letter.objects.select_for_update().get(pk=letter.pk)  # two clicks, one after the other
        if letter.answers.filter(text=text, at__gt=now - TRY_TIME).exists():
            raise CannotAnswer("This answer was written just now: it is below the letter.")
        Letter.objects.filter(pk=letter.pk, read_at=None).update(read_at=now)
        return Letter.objects.create(
            marketplace=letter.marketplace, worker=letter.worker, answered_to=letter, subject=subject[:MAX_SUBJECT],
            text=text, at=now, written_by=by, problem=NOT_SENT,
        )  # fmt: skip


def claim_again(answer: Letter, *, now: datetime) -> None:
    """Before `send_answer` is called again. Raises CannotAnswer if the answer was sent, or is just being sent."""
    being_sent = Q(problem=NOT_SENT, at__gt=now - TRY_TIME)
    waiting = Letter.objects.filter(pk=answer.pk).exclude(problem="").exclude(being_sent)
    if not waiting.update(problem=NOT_SENT, at=now):
        raise CannotAnswer("This answer was sent, or is just being sent.")


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
