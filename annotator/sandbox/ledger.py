"""Every transfer of money: written to the append-only ledger and to the requester's balances in one transaction."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Sum

from annotator.sandbox import switchboard
from annotator.sandbox.models import HIT, Assignment, BonusPayment, LedgerEntry, Person, Requester
from annotator.sandbox.rules import fees
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import LISTED, AssignmentState

Account = LedgerEntry.Account
Reason = LedgerEntry.Reason


@dataclass(frozen=True)
class About:
    """What a transfer is for; the audit uses this."""

    requester: Requester
    person: Person | None = None
    hit: HIT | None = None
    assignment: Assignment | None = None


def move(
    amount_usd: Decimal, *, source: LedgerEntry.Account, target: LedgerEntry.Account, reason: LedgerEntry.Reason,
    about: About, now: dt.datetime
) -> None:  # fmt: skip
    """Writes an entry and changes the balances. Nothing if the amount is zero; Refused if the balance is too small."""
    if amount_usd == 0:
        return
    change = {account: Decimal(0) for account in Account}
    change[source] -= amount_usd
    change[target] += amount_usd
    rows = Requester.objects.filter(id=about.requester.pk)
    if change[Account.AVAILABLE] < 0:
        rows = rows.filter(available_usd__gte=amount_usd)
        if switchboard.read().is_balance_exhausted:
            rows = rows.none()
    n_changed = rows.update(
        available_usd=F("available_usd") + change[Account.AVAILABLE],
        held_usd=F("held_usd") + change[Account.HELD],
        n_ledger_entries=F("n_ledger_entries") + 1,
    )
    if n_changed != 1:
        raise Refused(
            Code.INSUFFICIENT_FUNDS,
            f"This account has insufficient funds in its prepaid balance: {amount_usd} USD are needed.",
        )
    LedgerEntry.objects.create(
        source=source, target=target, amount_usd=amount_usd, reason=reason, requester=about.requester,
        person=about.person, hit=about.hit, assignment=about.assignment, at=now,
    )  # fmt: skip


def deposit(requester: Requester, amount_usd: Decimal, *, now: dt.datetime) -> None:
    """The only place where play money is created."""
    about = About(requester=requester)
    move(amount_usd, source=Account.OUTSIDE, target=Account.AVAILABLE, reason=Reason.DEPOSIT, about=about, now=now)


def place_price_usd(hit: HIT) -> Decimal:
    """Reward and fee of one assignment that nobody has accepted yet."""
    reward = hit.hit_type.reward_usd
    return reward + fees.fee_usd(amount_usd=reward, max_assignments=hit.max_assignments)


def adjust_hold(hit: HIT, *, now: dt.datetime) -> None:
    """Holds exactly what this HIT may still cost: work not yet judged, and open assignments until it expires.

    The caller holds the HIT's row lock and saves `held_usd`.
    """
    unjudged = hit.assignments.filter(state__in=[AssignmentState.ACCEPTED, AssignmentState.SUBMITTED])
    due = unjudged.aggregate(sum=Sum(F("reward_usd") + F("fee_usd")))["sum"] or Decimal(0)
    if not hit.is_expired:
        due += hit.n_available * place_price_usd(hit)
    about = About(requester=hit.requester, hit=hit)
    source, target, reason = Account.AVAILABLE, Account.HELD, Reason.HOLD
    if due < hit.held_usd:
        source, target, reason = Account.HELD, Account.AVAILABLE, Reason.RELEASE
    move(abs(due - hit.held_usd), source=source, target=target, reason=reason, about=about, now=now)
    hit.held_usd = due


def pay_reward(assignment: Assignment, *, is_held: bool, now: dt.datetime) -> None:
    """The reward goes to the person, the fee to the marketplace.

    After a rejection nothing is held, so both are taken from the available balance.
    """
    hit = assignment.hit
    about = About(requester=hit.requester, person=assignment.person, hit=hit, assignment=assignment)
    source = Account.HELD if is_held else Account.AVAILABLE
    move(assignment.reward_usd, source=source, target=Account.EARNINGS, reason=Reason.REWARD, about=about, now=now)
    move(assignment.fee_usd, source=source, target=Account.FEES, reason=Reason.REWARD_FEE, about=about, now=now)
    if is_held:
        hit.held_usd -= assignment.reward_usd + assignment.fee_usd


def pay_bonus(assignment: Assignment, *, amount_usd: Decimal, reason: str, now: dt.datetime) -> None:
    """From the available balance, with its fee. Raises Refused."""
    if assignment.state not in LISTED:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, "A bonus needs a submitted, approved or rejected assignment.")
    hit, fee = assignment.hit, fees.fee_usd(amount_usd=amount_usd)
    about = About(requester=hit.requester, person=assignment.person, hit=hit, assignment=assignment)
    move(amount_usd, source=Account.AVAILABLE, target=Account.EARNINGS, reason=Reason.BONUS, about=about, now=now)
    move(fee, source=Account.AVAILABLE, target=Account.FEES, reason=Reason.BONUS_FEE, about=about, now=now)
    BonusPayment.objects.create(
        requester=hit.requester, person=assignment.person, assignment=assignment, amount_usd=amount_usd, fee_usd=fee,
        reason=reason, granted_at=now,
    )  # fmt: skip
