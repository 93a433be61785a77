"""The people who answer, their work on a HIT, and what it says of each unit."""

from django.db import models
from django.db.models import Q

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.models.hits import HIT, HITUnit

CATEGORY_CHOICES = [(category.value, category.value) for category in SemanticCategory]


class Worker(models.Model):
    """A person. The marketplace's id of them stands in this table alone; elsewhere stands the pseudonym."""

    marketplace = models.CharField(max_length=40)
    external_id = models.CharField(max_length=64, null=True, blank=True)
    pseudonym = models.CharField(max_length=32, unique=True)
    is_simulated = models.BooleanField(default=False, help_text="A program of the demo or of a test, not a person")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["marketplace", "external_id"], name="one_row_per_worker")]

    def __str__(self) -> str:
        return self.pseudonym


class Assignment(models.Model):
    """One person's work on one HIT, from opening the page to the payment. Keyed by (assignment, worker).

    The work of a visit that the marketplace has not confirmed is claimed, then kept: it has no worker, is no answer and
    is never paid. It becomes an answer when the marketplace's list names it.
    """

    class State(models.TextChoices):
        CLAIMED = "claimed"
        KEPT = "kept"
        STARTED = "started"
        STORED = "stored"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        REJECTED = "rejected"

    hit = models.ForeignKey(HIT, on_delete=models.PROTECT, related_name="assignments")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True)
    # Null in an imported campaign, where `imported_position` tells the answers of a unit apart.
    external_id = models.CharField(max_length=64, null=True, blank=True)
    imported_position = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.STARTED)
    # Of a claimed visit: the pseudonym of the person it claims to be, and what tells its browser from all others.
    claimed_by = models.CharField(max_length=32, blank=True)
    visit_key = models.CharField(max_length=64, blank=True)
    seed = models.BigIntegerField(default=0)
    draft = models.JSONField(default=dict)
    draft_revision = models.PositiveIntegerField(default=0)
    client_id = models.UUIDField(null=True, blank=True, unique=True, help_text="Makes a submission repeatable")
    raw_answer = models.JSONField(null=True, blank=True)
    n_sent_back = models.PositiveSmallIntegerField(default=0)
    is_left_out = models.BooleanField(default=False, help_text="Not counted; not a rejection")
    left_out_reason = models.CharField(max_length=300, blank=True)
    # A person's decision stays; the rule of judging/excluding.py decides again at each labeling.
    count_decided_by = models.CharField(
        max_length=150, blank=True, help_text="Who decided whether it counts: the rule, a person, or nobody yet"
    )
    # The marketplace listed it, but our page never stored it, so the answer is the marketplace's.
    is_from_marketplace = models.BooleanField(default=False)
    # Stored, and not submitted in its time: it can be given back no more, and the marketplace is not asked again.
    is_past_return = models.BooleanField(default=False)
    auto_approval_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=40, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    # As the marketplace states them.
    accepted_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # As the page measured it, never more than the server's own clock allows (judging/paid_time.py).
    active_seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["hit", "id"]
        constraints = [
            models.UniqueConstraint(fields=["external_id", "worker"], name="one_row_per_assignment_and_worker"),
            models.UniqueConstraint(fields=["hit", "imported_position"], name="one_row_per_imported_answer"),
            models.UniqueConstraint(
                fields=["hit", "external_id", "visit_key"], condition=~Q(visit_key=""), name="one_row_per_claimed_visit"
            ),
        ]
        indexes = [
            models.Index(fields=["hit"], condition=~Q(left_out_reason=""), name="suspected_or_left_out"),
            models.Index(fields=["visit_key"], condition=~Q(visit_key=""), name="crowd_assignment_by_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.hit} by {self.worker}"


class Answer(models.Model):
    """What one assignment says about one of its HIT's units. The HIT type gives the columns their values.

    A column is null if the HIT type does not ask for it. All are null until the person has answered.
    """

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="answers")
    hit_unit = models.ForeignKey(HITUnit, on_delete=models.PROTECT, related_name="answers")
    # Tile numbers in the order shown: ranks of top_images, or numbers of photographs; drawn by the seed, known to the
    # server alone.
    # Empty for an imported answer that does not tell them.
    shown_ranks = models.JSONField(default=list)
    planted_ranks = models.JSONField(default=list)
    says = models.JSONField(null=True, blank=True, help_text="What has no column of its own; null until answered")
    metrics = models.JSONField(default=dict, help_text="Name -> number: fits, rating, chosen")
    description = models.CharField(max_length=200, null=True, blank=True)
    category = models.CharField(max_length=30, null=True, blank=True, choices=CATEGORY_CHOICES)
    marked_ranks = models.JSONField(null=True, blank=True, help_text="Crops marked as not fitting")
    # Top crops left unmarked / top crops shown (docs/measures.md, Precision); as published for imported answers.
    precision = models.FloatField(null=True, blank=True)
    n_planted_missed = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["assignment", "hit_unit"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "hit_unit"], name="one_answer_per_unit"),
            models.CheckConstraint(
                condition=Q(precision__isnull=True) | Q(precision__gte=0, precision__lte=1),
                name="precision_between_0_and_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_unit} by {self.assignment.worker}"


# Still worked on.
OPEN = (Assignment.State.CLAIMED, Assignment.State.STARTED)
# What labels and judges count, unless it was left out.
COUNTED = (Assignment.State.SUBMITTED, Assignment.State.APPROVED)
# What people have sent: shown, and counted as answers on pages.
ANSWERED = (
    Assignment.State.STORED,
    Assignment.State.SUBMITTED,
    Assignment.State.APPROVED,
    Assignment.State.REJECTED,
)
