"""A session: one process acts for one campaign at its marketplace, under the campaign's lock and the guard of money."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.outcomes import CannotDo, OutcomeUnknown, RealMoneyRefused
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign, OutwardAct
from annotator.crowd.outbox.acts import Decision, write_act
from annotator.crowd.outbox.performing import CampaignBusy, list_due, list_stopped, perform_acts
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

Clock = Callable[[], datetime]
Pause = Callable[[float], None]

# How long one process waits for another that acts for the same campaign.
WAIT_SECONDS = 15
MAX_ROUNDS = 8
_LOCK_SPACE = 0x0C0D


class CampaignClosed(Refusal):
    """Whoever closed it decided that it spends nothing more."""


@dataclass(frozen=True)
class Session:
    """Everything that acting for a campaign takes. `clock` gives the time in UTC; `pause` sleeps for some seconds."""

    campaign: Campaign
    marketplace: Marketplace
    clock: Clock
    pause: Pause
    permit: Permit | None = None

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """As `hold_campaign`."""
        return hold_campaign(self.campaign)

    def write(self, decision: Decision) -> OutwardAct:
        """The row of a decision. One that costs real money takes a permit: raises RealMoneyRefused without one.

        Raises CannotDo if the marketplace has no such act, CampaignClosed, and BudgetExceeded.
        """
        if decision.cost_usd:
            self.check_permit()
            self._check_unclosed()
        if decision.act.verb not in self.marketplace.facts.verbs:
            raise CannotDo(f"The marketplace {self.marketplace.facts.name} has no act {decision.act.verb}.")
        request = self.marketplace.translate(decision.act, key=decision.key)
        return write_act(campaign=self.campaign, decision=decision, request=request, now=self.clock())

    def decide(self, decisions: Iterable[Decision]) -> int:
        """Writes these decisions, all or none, and performs what is due. Returns how many acts are done now."""
        with self.hold():
            with transaction.atomic():
                for decision in decisions:
                    self.write(decision)
            return self.settle()

    def carry_out(self, decision: Decision) -> OutwardAct:
        """Writes a decision and performs it at once. Returns the act with its outcome. Raises BudgetExceeded."""
        act = self.write(decision)
        self.settle()
        act.refresh_from_db()
        return act

    def settle(self) -> int:
        """Performs what is due in rounds: a busy marketplace is asked again. Returns how many acts are done now.

        Raises OutcomeUnknown if acts are unanswered after the last round, and RealMoneyRefused if acts that cost real
        money wait for a confirmation; acts without cost are performed all the same.
        """
        n_done, may_spend = 0, self._may_spend()
        for number in range(MAX_ROUNDS):
            states = perform_acts(
                campaign=self.campaign, marketplace=self.marketplace, clock=self.clock, may_spend=may_spend
            )
            n_done += states[OutwardAct.State.DONE]
            n_unknown = states[OutwardAct.State.UNKNOWN]
            if not n_unknown:
                break
            self.pause(min(5.0, 0.2 * 2**number))
        else:
            raise OutcomeUnknown(
                f"The marketplace {self.campaign.marketplace} left {say_count(n_unknown, 'act')} of {self.campaign} "
                "unanswered."
            )
        waiting = list_due(self.campaign).exclude(pk__in=list_stopped(self.campaign))
        if not may_spend and waiting.filter(cost_usd__gt=0).exists():
            raise RealMoneyRefused(
                f"Acts of {self.campaign} that cost real money wait for a confirmation, or for the setting "
                "REAL_MONEY_ALLOWED."
            )
        return n_done

    def check_permit(self) -> None:
        """Raises RealMoneyRefused if the marketplace takes real money and nobody permitted it for this campaign."""
        if not self.marketplace.facts.is_real_money:
            return
        if not settings.REAL_MONEY_ALLOWED or self.permit is None or self.permit.campaign != self.campaign.name:
            raise RealMoneyRefused(
                f"This spends real money at {self.campaign.marketplace}: it takes the setting REAL_MONEY_ALLOWED, "
                "the flag for real money, and the campaign's name typed."
            )

    def _check_unclosed(self) -> None:
        if Campaign.objects.filter(pk=self.campaign.pk, state=Campaign.State.CLOSED).exists():
            raise CampaignClosed(f"The campaign {self.campaign} is closed: nothing more is asked or paid.")

    def note_confirmation(self) -> None:
        """Keeps on the campaign that its publication with real money was confirmed: its acts may then be performed."""
        if self.permit is not None:
            Campaign.objects.filter(pk=self.campaign.pk, real_money_confirmed_at=None).update(
                real_money_confirmed_at=self.clock(), real_money_confirmed_by=self.permit.given_by
            )

    def _may_spend(self) -> bool:
        """True if acts that cost something may be performed: for play money, or if a person confirmed real money.

        The setting is asked each time: taking it back stops what was confirmed before.
        """
        if not self.marketplace.facts.is_real_money:
            return True
        if not settings.REAL_MONEY_ALLOWED:
            return False
        if self.permit is not None and self.permit.campaign == self.campaign.name:
            return True
        return Campaign.objects.filter(pk=self.campaign.pk).exclude(real_money_confirmed_at=None).exists()


def open_session(
    campaign: Campaign, *, permit: Permit | None = None, clock: Clock = timezone.now, pause: Pause = time.sleep
) -> Session:
    """A session at the campaign's marketplace. Raises UnknownMarketplace or NoCredentials; nothing is sent yet."""
    marketplace = open_marketplace(campaign.marketplace)
    marketplace.check_credentials()
    return Session(campaign=campaign, marketplace=marketplace, clock=clock, pause=pause, permit=permit)


@contextlib.contextmanager
def hold_campaign(campaign: Campaign) -> Iterator[None]:
    """One process at a time acts for a campaign; the lock ends with its connection. Raises CampaignBusy.

    Within a transaction it ends with that transaction, when others see what was changed.
    """
    key = [_LOCK_SPACE, campaign.pk]
    with connection.cursor() as cursor:
        if connection.in_atomic_block:
            _lock("pg_advisory_xact_lock", key, campaign, cursor)
            yield
            return
        _lock("pg_advisory_lock", key, campaign, cursor)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _lock(function: str, key: list[int], campaign: Campaign, cursor: CursorWrapper) -> None:
    try:
        with transaction.atomic():  # the caller's transaction outlives a refusal
            limit = f"{WAIT_SECONDS}s" if WAIT_SECONDS else "1ms"
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [limit])
            cursor.execute(f"SELECT {function}(%s, %s)", key)
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    except OperationalError:
        raise CampaignBusy(
            f"Another process is acting for the campaign {campaign} now; try again in a moment."
        ) from None
