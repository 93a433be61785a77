"""What people earned and are owed, the file that a payment service takes, and payments recorded into the ledger.

This program moves no money: the operator pays, outside, and says so here.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from annotator.csv_files import Exact
from annotator.refusals import Refusal
from annotator.sandbox import ledger
from annotator.sandbox.models import LedgerEntry, Payout, Person, Requester, UploadedFile
from annotator.sandbox.rules import amounts, sealing
from annotator.sandbox.rules.states import AssignmentState

Account, Reason = LedgerEntry.Account, LedgerEntry.Reason
MAX_ADDRESS = 200
# Whoever pays needs the address as it is, and a spreadsheet must not run it. So one that begins as a formula does is a
# telephone number or a name with @, or it is refused.
_ADDRESS = re.compile(r"\+[0-9 ]{5,}|@[\w.-]+|(?!'*[=+@\uff1d\uff0b\uff0d\uff20-]).+")
_NUMBER, _SIGNS = re.compile(r"\+[-().0-9 ]+"), re.compile(r"[-(). ]+")
EARNINGS_COLUMNS = (
    "worker_id", "name", "invited_as", "contact", "payout_address", "rewards_usd", "bonuses_usd", "earned_usd",
    "paid_usd", "owed_usd",
)  # fmt: skip
PAYMENT_COLUMNS = ("recipient", "amount", "currency", "reference", "note", "worker_id")


class CannotPayOut(Refusal):
    """A row of payments is not right; nothing of the file was recorded."""


@dataclass(frozen=True)
class Earnings:
    """Of one person, in dollars. Earned and paid are of a period; owed is what stands now."""

    person: Person
    rewards_usd: Decimal
    bonuses_usd: Decimal
    paid_usd: Decimal
    owed_usd: Decimal

    @property
    def earned_usd(self) -> Decimal:
        return self.rewards_usd + self.bonuses_usd


def list_earnings(people: QuerySet[Person], *, since: dt.datetime | None = None) -> list[Earnings]:
    """One row per person who ever earned something here, by WorkerId. `since`: earned and paid from then on."""
    start = Q(ledger__at__gte=since) if since else Q()
    came, went = Q(ledger__target=Account.EARNINGS), Q(ledger__source=Account.EARNINGS)
    of_rewards, of_bonuses = Q(ledger__reason=Reason.REWARD), Q(ledger__reason=Reason.BONUS)
    rows = people.annotate(
        sum_rewards=Sum("ledger__amount_usd", filter=came & of_rewards & start, default=Decimal(0)),
        sum_bonuses=Sum("ledger__amount_usd", filter=came & of_bonuses & start, default=Decimal(0)),
        sum_paid=Sum("ledger__amount_usd", filter=went & start, default=Decimal(0)),
        sum_came=Sum("ledger__amount_usd", filter=came, default=Decimal(0)),
        sum_went=Sum("ledger__amount_usd", filter=went, default=Decimal(0)),
    )
    return [
        Earnings(row, row.sum_rewards, row.sum_bonuses, row.sum_paid, owed_usd=row.sum_came - row.sum_went)
        for row in rows.filter(sum_came__gt=0).order_by("mturk_id")
    ]


def find_earnings(person: Person) -> Earnings:
    """Of one person, since they came."""
    rows = list_earnings(Person.objects.filter(pk=person.pk))
    return rows[0] if rows else Earnings(person, *[Decimal(0)] * 4)


def describe_earnings(row: Earnings) -> dict[str, str]:
    """A row of EARNINGS_COLUMNS."""
    in_usd = {
        "rewards_usd": row.rewards_usd, "bonuses_usd": row.bonuses_usd, "earned_usd": row.earned_usd,
        "paid_usd": row.paid_usd, "owed_usd": row.owed_usd,
    }  # fmt: skip
    return {
        "worker_id": row.person.mturk_id, "name": row.person.name, "invited_as": row.person.invited_as,
        "contact": row.person.contact,
        "payout_address": _write_address(read_payout_address(row.person)),
        **{name: f"{amount:.2f}" for name, amount in in_usd.items()},
    }  # fmt: skip


def describe_payment(row: Earnings) -> dict[str, str]:
    """A row of PAYMENT_COLUMNS. The reference is the same until the payment is recorded, so that it is paid once."""
    number = row.person.payouts.count() + 1
    return {
        "recipient": _write_address(read_payout_address(row.person)),
        "amount": f"{row.owed_usd:.2f}", "currency": "USD",
        "reference": f"{row.person.mturk_id}-{number}", "note": "Work on the Unitscope marketplace",
        "worker_id": row.person.mturk_id,
    }  # fmt: skip


def is_payout_address(text: str) -> bool:
    """Whether a file can hold it as it is."""
    return len(text) <= MAX_ADDRESS and text.isprintable() and bool(_ADDRESS.fullmatch(text))


def _write_address(address: str) -> str:
    return Exact(address) if is_payout_address(address) else address


def tidy_payout_address(text: str) -> str:
    """A telephone number with spaces in place of brackets, hyphens and full stops: no spreadsheet calculates with it.
    Any other text as it is.
    """
    return f"+{_SIGNS.sub(' ', text[1:]).strip()}" if _NUMBER.fullmatch(text) else text


def seal_payout_address(address: str) -> str:
    """As it is stored; empty if the person gives none."""
    return sealing.seal(address, key=settings.PSEUDONYM_KEY) if address else ""


def forget_payout_address(person: Person) -> None:
    """Of who has left: as soon as nothing is owed to them and no work of theirs waits. Called wherever either ends."""
    if person.left_at is None:
        return
    person = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    is_waiting = person.assignments.filter(state=AssignmentState.SUBMITTED).exists()
    if not is_waiting and not find_earnings(person).owed_usd:
        person.sealed_payout_address = ""
        person.save(update_fields=["sealed_payout_address"])


def read_payout_address(person: Person) -> str:
    """Tidied, as some were stored before that was done. Empty if the person has given none. Raises SealBroken."""
    sealed = person.sealed_payout_address
    return tidy_payout_address(sealing.unseal(sealed, key=settings.PSEUDONYM_KEY)) if sealed else ""


@transaction.atomic
def record_payments(rows: Iterable[Mapping[str, str | None]], *, now: dt.datetime) -> tuple[int, int]:
    """Rows with worker_id, amount and reference: (how many are recorded now, how many were before).

    All or none. Raises CannotPayOut for an unknown person, a bad amount, more than is owed, or a reference that was
    used for another payment.
    """
    n_new = n_known = 0
    for line, row in enumerate(rows, start=2):
        if _record(row, where=f"Line {line}", now=now):
            n_new += 1
        else:
            n_known += 1
    return n_new, n_known


def _record(row: Mapping[str, str | None], *, where: str, now: dt.datetime) -> bool:
    """False if this payment was recorded before."""
    worker_id, reference = ((row.get(name) or "").strip() for name in ("worker_id", "reference"))
    amount = _read_amount(row.get("amount"), where=where)
    if not 1 <= len(reference) <= 80:
        raise CannotPayOut(f"{where}: a reference has 1 to 80 characters.")
    person = Person.objects.select_for_update(no_key=True).filter(mturk_id=worker_id).first()
    if person is None:
        raise CannotPayOut(f"{where}: nobody here has the WorkerId {worker_id[:64]!r}.")
    known = Payout.objects.filter(reference=reference).first()
    if known is not None:
        if (known.person_id, known.amount_usd) != (person.pk, amount):
            raise CannotPayOut(f"{where}: the reference {reference} was recorded for another payment.")
        return False
    owed = find_earnings(person).owed_usd
    if amount > owed:
        raise CannotPayOut(f"{where}: {worker_id} is owed ${owed:.2f}, and this says that ${amount:.2f} were paid.")
    Payout.objects.create(person=person, amount_usd=amount, reference=reference, at=now)
    _move(person, amount, now=now)
    forget_payout_address(person)
    return True


def _move(person: Person, amount_usd: Decimal, *, now: dt.datetime) -> None:
    """From what the person earned with each requester, in the order of the requesters' accounts."""
    left = amount_usd
    for requester in Requester.objects.filter(ledger__person=person).distinct().order_by("id"):
        entries = LedgerEntry.objects.filter(requester=requester, person=person)
        came = entries.filter(target=Account.EARNINGS).aggregate(sum=Sum("amount_usd", default=Decimal(0)))["sum"]
        went = entries.filter(source=Account.EARNINGS).aggregate(sum=Sum("amount_usd", default=Decimal(0)))["sum"]
        part = min(left, came - went)
        about = ledger.About(requester=requester, person=person)
        ledger.move(part, source=Account.EARNINGS, target=Account.PAID, reason=Reason.PAYOUT, about=about, now=now)
        left -= part


def _read_amount(text: str | None, *, where: str) -> Decimal:
    try:
        return amounts.read_usd(text or "", below=10**9)
    except ValueError as error:
        raise CannotPayOut(f"{where}: {error}") from None


def describe_person(person: Person) -> dict[str, Any]:
    """Everything that is kept of a person, for them to take away; of files that came with an answer, their names."""
    earned = find_earnings(person)
    return {
        "worker_id": person.mturk_id, "name": person.name, "country": person.country,
        "subdivision": person.subdivision, "contact": person.contact, "wants_mail": person.wants_mail,
        "mailed_at": person.mailed_at, "invited_as": person.invited_as, "signed_up_at": person.created_at,
        "payout_address": read_payout_address(person), "paused_at": person.paused_at,
        "pause_reason": person.pause_reason,
        "earned_usd": earned.earned_usd, "paid_usd": earned.paid_usd, "owed_usd": earned.owed_usd,
        "assignments": list(
            person.assignments.order_by("id").values(
                "mturk_id", "hit__hit_type__title", "state", "accepted_at", "submitted_at", "reward_usd", "answer",
                "feedback",
            )
        ),
        "bonuses": list(person.bonuses.order_by("id").values("amount_usd", "reason", "granted_at")),
        "payouts": list(person.payouts.order_by("id").values("amount_usd", "reference", "at")),
        "files": list(
            UploadedFile.objects.filter(assignment__person=person).order_by("id").values(
                "assignment__mturk_id", "question_identifier", "name"
            )
        ),
        "qualifications": list(
            person.qualifications.order_by("id").values("type__name", "value", "granted_at", "is_revoked", "reason")
        ),
        "qualification_requests": list(
            person.qualification_requests.order_by("id").values(
                "type__name", "state", "started_at", "submitted_at", "answer", "reason"
            )
        ),
        "messages": list(
            person.messages.order_by("id").values("requester__name", "is_from_person", "subject", "text", "sent_at")
        ),
        "reports": list(person.reports.order_by("id").values("hit__mturk_id", "text", "at")),
    }  # fmt: skip


def write_person(person: Person) -> str:
    return json.dumps(describe_person(person), indent=1, default=str, ensure_ascii=False)
