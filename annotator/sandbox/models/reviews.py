"""What the review policies found and did."""

from django.db import models

from annotator.sandbox.models.work import HIT
from annotator.sandbox.rules import ids


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
