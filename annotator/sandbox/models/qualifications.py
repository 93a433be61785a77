"""Qualifications: types, tests, requests for them, and who holds them."""

from django.db import models
from django.db.models import Q

from annotator.sandbox.models.accounts import Requester
from annotator.sandbox.models.people import Person
from annotator.sandbox.rules import ids


class QualificationType(models.Model):
    """A requester's type; the marketplace's own types are computed and have no row."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="qualification_types")
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000)
    keywords = models.CharField(max_length=1000, blank=True)
    is_active = models.BooleanField(default=True)
    test = models.TextField(blank=True)
    answer_key = models.TextField(blank=True)
    test_duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    # Null: a person may ask once only.
    retry_delay_seconds = models.PositiveIntegerField(null=True, blank=True)
    is_auto_granted = models.BooleanField(default=False)
    auto_granted_value = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["requester", "name"], condition=Q(deleted_at=None), name="sandbox_one_qualification_name"
            ),
            models.CheckConstraint(
                condition=Q(test="") | Q(is_auto_granted=False), name="sandbox_test_or_auto_granted"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Qualification(models.Model):
    type = models.ForeignKey(QualificationType, on_delete=models.CASCADE, related_name="qualifications")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="qualifications")
    value = models.IntegerField(default=1)
    is_revoked = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["type", "person"], name="sandbox_one_qualification")]


class QualificationRequest(models.Model):
    class State(models.TextChoices):
        STARTED = "started"
        PENDING = "pending"
        GRANTED = "granted"
        REJECTED = "rejected"

    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_entity_id)
    type = models.ForeignKey(QualificationType, on_delete=models.CASCADE, related_name="requests")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="qualification_requests")
    state = models.CharField(max_length=8, choices=State.choices, default=State.STARTED)
    # A copy of the test from when the person began it.
    test = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    started_at = models.DateTimeField()
    # Of the time for the test, as it was when the person began it.
    ends_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["type", "person"],
                condition=Q(state__in=["started", "pending"]),
                name="sandbox_one_open_request",
            )
        ]

    def __str__(self) -> str:
        return self.mturk_id
