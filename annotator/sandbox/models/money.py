"""Money: an append-only ledger of transfers, bonuses, and the tokens that prevent repeated acts."""

import pgtrigger
from django.db import models
from django.db.models import Q

from annotator.sandbox.models.accounts import Requester
from annotator.sandbox.models.people import Person
from annotator.sandbox.models.work import HIT, Assignment


class LedgerEntry(models.Model):
    """One transfer of money from one account to another, so that no money is created or lost."""

    class Account(models.TextChoices):
        OUTSIDE = "outside"
        AVAILABLE = "available"
        HELD = "held"
        EARNINGS = "earnings"
        FEES = "fees"
        PAID = "paid"  # to the person, outside this program

    class Reason(models.TextChoices):
        DEPOSIT = "deposit"
        HOLD = "hold"
        RELEASE = "release"
        REWARD = "reward"
        REWARD_FEE = "reward fee"
        BONUS = "bonus"
        BONUS_FEE = "bonus fee"
        PAYOUT = "payout"

    source = models.CharField(max_length=9, choices=Account.choices)
    target = models.CharField(max_length=9, choices=Account.choices)
    amount_usd = models.DecimalField(max_digits=14, decimal_places=2)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    requester = models.ForeignKey(Requester, on_delete=models.PROTECT, related_name="ledger")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger")
    hit = models.ForeignKey(HIT, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger")
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers = [
            pgtrigger.Trigger(
                name="append_only",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
                func="RAISE EXCEPTION 'The ledger is append-only.';",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_usd__gt=0), name="sandbox_move_positive"),
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="sandbox_move_between_two"),
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(reason="reward"), name="sandbox_one_reward_per_assignment"
            ),
        ]


class BonusPayment(models.Model):
    requester = models.ForeignKey(Requester, on_delete=models.PROTECT, related_name="bonuses")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="bonuses")
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="bonuses")
    amount_usd = models.DecimalField(max_digits=14, decimal_places=2)
    fee_usd = models.DecimalField(max_digits=14, decimal_places=2)
    reason = models.TextField()
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount_usd__gt=0), name="sandbox_bonus_positive")]


class RequestToken(models.Model):
    """A UniqueRequestToken that was used, and the result of that use."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="tokens")
    act = models.CharField(max_length=12, help_text="hit, extension, bonus")
    token = models.CharField(max_length=64)
    outcome = models.CharField(max_length=64, help_text="The HIT's id, or the id of the request that did it")
    used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["requester", "act", "token"], name="sandbox_one_token")]
