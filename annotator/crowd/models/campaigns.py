"""Campaigns: what is asked of a crowd, on which marketplace, for how much."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from annotator.names import MAX_LENGTH, validate_name


class Campaign(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        QUOTED = "quoted"
        PUBLISHED = "published"
        COLLECTING = "collecting"
        COMPLETE = "complete"
        CLOSED = "closed"

    class Policy(models.TextChoices):
        ACCEPT_AND_SCORE = "accept and score"
        MUST_FIND = "must find"

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    marketplace = models.CharField(max_length=40, default="own", help_text="A name of marketplaces/table.py")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    is_paused = models.BooleanField(default=False)
    # Answers were imported from a published file; nothing was or will be asked.
    is_imported = models.BooleanField(default=False)
    policy = models.CharField(max_length=16, choices=Policy.choices, default=Policy.ACCEPT_AND_SCORE)
    n_assignments = models.PositiveSmallIntegerField(default=3)
    reward_usd = models.DecimalField(max_digits=8, decimal_places=2)
    budget_cap_usd = models.DecimalField(max_digits=10, decimal_places=2)
    hourly_floor_usd = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("12.00"))
    # What outward acts have reserved of the cap; raised by the transaction that writes such an act.
    committed_usd = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0))
    # More than n_assignments: labels.extending may ask for more where people disagree, up to this many.
    max_assignments = models.PositiveSmallIntegerField(null=True, blank=True)
    lifetime_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long its HITs can be taken; null: as the HIT type says"
    )
    max_hits_per_worker = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="One person's largest share"
    )
    qualifications = models.JSONField(default=dict, blank=True, help_text="locales, min_approval_percent, min_approved")
    quote = models.JSONField(default=dict, blank=True, help_text="What quoting computed, amounts as strings")
    requester_name = models.CharField(max_length=120, default="A research group using Unitscope")
    contact = models.CharField(max_length=200, blank=True)
    ethics_number = models.CharField(max_length=80, blank=True)
    seed = models.BigIntegerField()
    problem = models.TextField(blank=True, help_text="Why it waits: one sentence, cleared when it goes on")
    keeps_suspected = models.BooleanField(
        default=False, help_text="Answers that the rule would set aside are counted (label --keep-suspected)"
    )
    created_at = models.DateTimeField()
    quoted_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    # Who confirmed at publication that this campaign spends real money; null for play money.
    real_money_confirmed_at = models.DateTimeField(null=True, blank=True)
    real_money_confirmed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(reward_usd__gte=0), name="reward_not_negative"),
            models.CheckConstraint(condition=Q(budget_cap_usd__gte=0), name="cap_not_negative"),
            models.CheckConstraint(condition=Q(committed_usd__lte=F("budget_cap_usd")), name="spending_within_cap"),
        ]

    def __str__(self) -> str:
        return self.name


# People work on these.
GOING = (Campaign.State.PUBLISHED, Campaign.State.COLLECTING)
