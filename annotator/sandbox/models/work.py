"""The work: HIT types, HITs with their counts, assignments of HITs to people, files that came with an answer,
and what the review policies found and did."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from annotator.sandbox.models.accounts import Requester
from annotator.sandbox.models.people import Person
from annotator.sandbox.rules import ids
from annotator.sandbox.rules.states import LIVE, AssignmentState, HITStatus


class HITType(models.Model):
    """Fields that HITs share. The same fields registered again are the same HIT type."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="hit_types")
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    group_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the fields, normalized")
    title = models.CharField(max_length=128)
    description = models.CharField(max_length=2000)
    keywords = models.CharField(max_length=1000, blank=True)
    reward_usd = models.DecimalField(max_digits=10, decimal_places=2)
    duration_seconds = models.PositiveIntegerField()
    auto_approval_seconds = models.PositiveIntegerField()
    requirements = models.JSONField(default=list)
    is_deleted = models.BooleanField(default=False, help_text="Its qualification type was deleted")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["requester", "fingerprint"], condition=Q(is_deleted=False), name="sandbox_one_hit_type"
            ),
            models.CheckConstraint(condition=Q(reward_usd__gte=0), name="sandbox_reward_not_negative"),
        ]

    def __str__(self) -> str:
        return self.title


class HITLayout(models.Model):
    """A requester's page with fields, which HITs fill in; Amazon's requester site makes these, here a command does."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="layouts")
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    name = models.CharField(max_length=128)
    content = models.TextField(help_text="HTML; a field stands in it as ${name}")
    content_sha256 = models.CharField(max_length=64)
    frame_height_px = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["requester", "name", "content_sha256", "frame_height_px"], name="sandbox_one_layout"
            )
        ]

    def __str__(self) -> str:
        return self.name


class HIT(models.Model):
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="hits")
    hit_type = models.ForeignKey(HITType, on_delete=models.PROTECT, related_name="hits")
    question = models.TextField()
    # The layout that the question was made from, if any.
    hit_layout_id = models.CharField(max_length=64, blank=True)
    annotation = models.CharField(max_length=255, blank=True)
    max_assignments = models.PositiveIntegerField()
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in HITStatus], default=HITStatus.ASSIGNABLE.value
    )
    # The expiration was processed: notified, and the money for open assignments released.
    is_expired = models.BooleanField(default=False)
    # When that was. `expires_at` may be long ago: that is how a HIT is expired at once.
    expired_at = models.DateTimeField(null=True, blank=True)
    n_accepted = models.PositiveIntegerField(default=0)
    n_submitted = models.PositiveIntegerField(default=0)
    n_approved = models.PositiveIntegerField(default=0)
    n_rejected = models.PositiveIntegerField(default=0)
    held_usd = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0))
    assignment_review_policy = models.JSONField(null=True, blank=True)
    hit_review_policy = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    max_assignments__gte=F("n_accepted") + F("n_submitted") + F("n_approved") + F("n_rejected")
                ),
                name="sandbox_no_more_than_max_assignments",
            ),
            models.CheckConstraint(condition=Q(held_usd__gte=0), name="sandbox_hit_hold_not_negative"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(is_expired=False), name="sandbox_hit_expiring"),
            models.Index(fields=["expired_at"], condition=Q(expired_at__isnull=False), name="sandbox_hit_expired"),
            models.Index(fields=["requester", "status", "id"], name="sandbox_hit_by_status"),
            models.Index(fields=["hit_type", "id"], condition=Q(status="Assignable"), name="sandbox_hit_assignable"),
        ]

    def __str__(self) -> str:
        return self.mturk_id

    @property
    def n_available(self) -> int:
        """Assignments that nobody has accepted; after the expiration nobody can."""
        return self.max_assignments - self.n_accepted - self.n_submitted - self.n_approved - self.n_rejected


class Assignment(models.Model):
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="assignments")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="assignments")
    state = models.CharField(
        max_length=9, choices=[(s.value, s.value) for s in AssignmentState], default=AssignmentState.ACCEPTED.value
    )
    # Copied when the person accepted: a later change of the HIT's type does not change what was promised.
    reward_usd = models.DecimalField(max_digits=10, decimal_places=2)
    fee_usd = models.DecimalField(max_digits=10, decimal_places=2)
    auto_approval_seconds = models.PositiveIntegerField()
    accepted_at = models.DateTimeField()
    deadline = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    auto_approve_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    rejected_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was returned or abandoned")
    answer = models.TextField(blank=True)
    feedback = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["hit", "person"],
                condition=Q(state__in=[state.value for state in LIVE]),
                name="sandbox_one_assignment_per_person_and_hit",
            )
        ]
        indexes = [
            models.Index(fields=["deadline"], condition=Q(state="Accepted"), name="sandbox_assignment_running"),
            models.Index(fields=["auto_approve_at"], condition=Q(state="Submitted"), name="sandbox_assignment_waiting"),
            models.Index(fields=["hit", "submitted_at", "id"], name="sandbox_assignment_listing"),
            models.Index(fields=["person", "state"], name="sandbox_assignment_by_person"),
        ]

    def __str__(self) -> str:
        return self.mturk_id


class UploadedFile(models.Model):
    """The answer to a FileUploadAnswer question."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="files")
    question_identifier = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "question_identifier"], name="sandbox_one_file_per_question")
        ]


class ReviewResult(models.Model):
    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="review_results")
    level = models.CharField(max_length=10, help_text="Assignment or HIT")
    action_id = models.CharField(max_length=64, default=ids.new_entity_id)
    subject_id = models.CharField(max_length=64)
    subject_type = models.CharField(max_length=10)
    question_id = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=60)
    value = models.CharField(max_length=256)

    class Meta:
        ordering = ["id"]


class ReviewAction(models.Model):
    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="review_actions")
    level = models.CharField(max_length=10)
    action_id = models.CharField(max_length=64, default=ids.new_entity_id)
    name = models.CharField(max_length=40)
    target_id = models.CharField(max_length=64)
    target_type = models.CharField(max_length=10)
    status = models.CharField(max_length=9)
    completed_at = models.DateTimeField()
    result = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["id"]
