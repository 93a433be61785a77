"""Recomputes every balance, hold, payment and count from the ledger and the assignments."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from annotator.sandbox import ledger
from annotator.sandbox.models import HIT, Assignment, BonusPayment, LedgerEntry, Payout, Person, Requester
from annotator.sandbox.rules.states import AssignmentState, HITStatus, next_hit_status
from workers.engine.plurals import say_count

Account = LedgerEntry.Account
Reason = LedgerEntry.Reason
_COUNTS = {
    "n_accepted": AssignmentState.ACCEPTED,
    "n_submitted": AssignmentState.SUBMITTED,
    "n_approved": AssignmentState.APPROVED,
    "n_rejected": AssignmentState.REJECTED,
}


@dataclass(frozen=True)
class Audit:
    """`findings` are sentences; an empty list means that everything agrees."""

    n_entries: int
    n_requesters: int
    n_hits: int
    n_assignments: int
    deposited_usd: Decimal
    earned_usd: Decimal
    paid_usd: Decimal
    fees_usd: Decimal
    findings: list[str]


def audit() -> Audit:
    """Reads all tables; call it inside a transaction if others write at the same time."""
    totals = _totals(LedgerEntry.objects.all())
    findings = [*_check_requesters(), *_check_hits(), *_check_rewards(), *_check_bonuses(), *_check_payouts()]
    if sum(totals.values()) != 0:
        findings.append(f"Money was made or lost: the accounts sum to {sum(totals.values())}.")
    return Audit(
        n_entries=LedgerEntry.objects.count(), n_requesters=Requester.objects.count(), n_hits=HIT.objects.count(),
        n_assignments=Assignment.objects.count(), deposited_usd=-totals[Account.OUTSIDE],
        earned_usd=totals[Account.EARNINGS] + totals[Account.PAID], paid_usd=totals[Account.PAID],
        fees_usd=totals[Account.FEES], findings=findings,
    )  # fmt: skip


def _totals(entries: object) -> dict[str, Decimal]:
    """The balance of each account according to these entries."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for source, target, amount in entries.values_list("source", "target").annotate(sum=Sum("amount_usd")).order_by():  # type: ignore[attr-defined]
        totals[source] -= amount
        totals[target] += amount
    return totals


def _balances(by: str, account: LedgerEntry.Account) -> dict[int, Decimal]:
    """The balance of an account according to the ledger, per requester or per HIT."""
    rows = LedgerEntry.objects.order_by().values_list(by)
    came = rows.annotate(sum=Sum("amount_usd", filter=Q(target=account), default=Decimal(0)))
    went = rows.annotate(sum=Sum("amount_usd", filter=Q(source=account), default=Decimal(0)))
    balances: dict[int, Decimal] = defaultdict(Decimal)
    for key, amount in came:
        balances[key] += amount
    for key, amount in went:
        balances[key] -= amount
    return balances


def _check_requesters() -> Iterator[str]:
    available, held = _balances("requester", Account.AVAILABLE), _balances("requester", Account.HELD)
    n_entries = dict(LedgerEntry.objects.order_by().values_list("requester").annotate(n=Count("id")))
    for requester in Requester.objects.annotate(on_hits=Sum("hits__held_usd", default=Decimal(0))):
        if (n := n_entries.get(requester.pk, 0)) != requester.n_ledger_entries:
            yield (
                f"The ledger has {say_count(n, 'entry')} of {requester}, and "
                f"{say_count(requester.n_ledger_entries, 'was', 'were')} written: entries were removed or added."
            )
        if available[requester.pk] != requester.available_usd:
            yield f"{requester} has {requester.available_usd} available; the ledger says {available[requester.pk]}."
        if not held[requester.pk] == requester.held_usd == requester.on_hits:
            yield (
                f"{requester} has {requester.held_usd} on hold; the ledger says {held[requester.pk]}, "
                f"the HITs {requester.on_hits}."
            )


def _check_hits() -> Iterator[str]:
    held = _balances("hit", Account.HELD)
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for hit_id, state, n in Assignment.objects.order_by().values_list("hit", "state").annotate(n=Count("id")):
        counts[hit_id][state] = n
    unjudged = Assignment.objects.filter(state__in=[AssignmentState.ACCEPTED, AssignmentState.SUBMITTED]).order_by()
    due = dict(unjudged.values_list("hit").annotate(sum=Sum("reward_usd") + Sum("fee_usd")))
    for hit in HIT.objects.select_related("hit_type").iterator(chunk_size=2000):
        wanted = due.get(hit.pk, Decimal(0)) + (0 if hit.is_expired else hit.n_available * ledger.place_price_usd(hit))
        if not held[hit.pk] == hit.held_usd == wanted:
            yield f"HIT {hit} holds {hit.held_usd}; the ledger says {held[hit.pk]}, its open work {wanted}."
        yield from _check_counts(hit, counts[hit.pk])


def _check_counts(hit: HIT, counts: Counter[str]) -> Iterator[str]:
    for field, state in _COUNTS.items():
        if getattr(hit, field) != counts[state]:
            yield f"HIT {hit} says {field} {getattr(hit, field)}; there are {counts[state]}."
    status = next_hit_status(
        HITStatus(hit.status), n_available=hit.n_available, n_accepted=hit.n_accepted, is_expired=hit.is_expired
    )
    if status != hit.status:
        yield f"HIT {hit} is {hit.status}; by its counts it is {status}."


def _check_rewards() -> Iterator[str]:
    """Each approved assignment is paid its reward and fee once; no other assignment is paid."""
    paid: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    rewards = LedgerEntry.objects.filter(reason__in=[Reason.REWARD, Reason.REWARD_FEE])
    for assignment_id, reason, amount in rewards.values_list("assignment", "reason", "amount_usd"):
        paid[assignment_id][reason] += amount
    for assignment in Assignment.objects.iterator(chunk_size=2000):
        is_due = assignment.state == AssignmentState.APPROVED
        due = (assignment.reward_usd, assignment.fee_usd) if is_due else (0, 0)
        found = paid[assignment.pk]
        if (found[Reason.REWARD], found[Reason.REWARD_FEE]) != due:
            yield f"Assignment {assignment} is {assignment.state} and was paid {dict(found)} instead of {due}."


def _check_bonuses() -> Iterator[str]:
    written: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    bonuses = LedgerEntry.objects.filter(reason__in=[Reason.BONUS, Reason.BONUS_FEE])
    for assignment_id, reason, amount in bonuses.values_list("assignment", "reason", "amount_usd"):
        written[assignment_id, reason] += amount
    for assignment_id, amount, fee in BonusPayment.objects.values_list("assignment", "amount_usd", "fee_usd"):
        written[assignment_id, Reason.BONUS] -= amount
        written[assignment_id, Reason.BONUS_FEE] -= fee
    for (assignment_id, reason), rest in written.items():
        if rest:
            yield f"Assignment row {assignment_id}: the ledger's {reason} and the bonus payments differ by {rest}."


def _check_payouts() -> Iterator[str]:
    """What was paid outside is recorded twice, as payments and in the ledger, and nobody was paid more than earned."""
    paid, owed = _balances("person", Account.PAID), _balances("person", Account.EARNINGS)
    recorded = dict(Payout.objects.order_by().values_list("person").annotate(sum=Sum("amount_usd")))
    for person in Person.objects.filter(ledger__isnull=False).distinct():
        if paid[person.pk] != recorded.get(person.pk, 0):
            yield f"{person.mturk_id}: payments of {recorded.get(person.pk, 0)}; the ledger says {paid[person.pk]}."
        if owed[person.pk] < 0:
            yield f"{person.mturk_id} was paid {-owed[person.pk]} more than they earned."
