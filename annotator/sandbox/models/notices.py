"""Event notifications: who wants which, and an outbox of those to be delivered."""

from django.db import models
from django.db.models import Q

from annotator.sandbox.models.accounts import Requester
from annotator.sandbox.models.work import HITType


class NotificationSetting(models.Model):
    hit_type = models.OneToOneField(HITType, on_delete=models.CASCADE, related_name="notification_setting")
    specification = models.JSONField()
    is_active = models.BooleanField(default=True)


class Notification(models.Model):
    """Written with the event; delivered after its commit, at least once."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="notifications")
    transport = models.CharField(max_length=5)
    destination = models.CharField(max_length=1024)
    document = models.JSONField()
    created_at = models.DateTimeField()
    n_tries = models.PositiveSmallIntegerField(default=0)
    # Null after it was delivered or given up.
    next_try_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="sandbox_notification_waiting"
            )
        ]
