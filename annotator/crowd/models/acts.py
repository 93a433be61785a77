"""Every act on a marketplace as a row, and the decisions that pay or refuse to pay."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from annotator.crowd.models.assignments import Assignment
from annotator.crowd.models.campaigns import Campaign
from annotator.crowd.models.hits import HIT


class OutwardAct(models.Model):
    """One act on a marketplace, written with the decision it follows from, before the call is made."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DONE = "done"
        UNKNOWN = "unknown"
        FAILED = "failed"
        NEEDS_HUMAN = "needs_human"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="outward_acts")
    verb = models.CharField(max_length=20, help_text="Of marketplaces/facts.py: register, publish, approve, ...")
    purpose = models.CharField(max_length=20, blank=True, help_text="compensation, or empty")
    key = models.CharField(max_length=64, unique=True, help_text="Makes the act once, here and there")
    hit = models.ForeignKey(HIT, on_delete=models.PROTECT, null=True, blank=True, related_name="outward_acts")
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="outward_acts"
    )
    request = models.JSONField(default=dict)
    # What an unknown outcome is judged by, where the request alone does not say: {"max_assignments": n}.
    expected = models.JSONField(default=dict)
    response = models.JSONField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, default=Decimal(0))
    state = models.CharField(max_length=11, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["verb", "purpose", "assignment"],
                condition=Q(verb__in=["approve", "overturn", "pay_bonus"]),
                name="one_payment_per_assignment",
            )
        ]
        indexes = [models.Index(fields=["state", "campaign"])]

    def __str__(self) -> str:
        return f"{self.verb} {self.state}"


class Rejection(models.Model):
    """A proposal not to pay for an assignment; it takes a second person to send it."""

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="rejection")
    reason = models.CharField(max_length=900, help_text="What the worker is told")
    evidence = models.JSONField(help_text="What the proposer saw: flags and figures")
    proposed_by = models.CharField(max_length=150)
    proposed_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    overturned_by = models.CharField(max_length=150, blank=True)
    overturned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by="") | ~Q(confirmed_by=F("proposed_by")), name="rejection_takes_two_people"
            )
        ]

    def __str__(self) -> str:
        return f"{self.assignment}: {self.reason}"


class Compensation(models.Model):
    """Pay for work that was stored here and could not be submitted: a HIT that one worker alone may take."""

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="compensation")
    qualification_id = models.CharField(max_length=64, blank=True)
    hit_type_id = models.CharField(max_length=64, blank=True)
    hit_id = models.CharField(max_length=64, blank=True)
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    decided_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"compensation for {self.assignment}"


def has_compensating_bonus(condition: Q) -> Exists:
    """Of assignments: there is a bonus that compensates, and its outward act fulfils the condition."""
    bonuses = OutwardAct.objects.filter(condition, verb="pay_bonus", purpose="compensation")
    return Exists(bonuses.filter(assignment=OuterRef("pk")))


def was_paid_by_bonus() -> Exists:
    """Of assignments: the work could not be submitted, and a bonus has paid for it."""
    return has_compensating_bonus(Q(state=OutwardAct.State.DONE))
