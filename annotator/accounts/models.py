"""Who may: the roles of the dashboard's people and the append-only log of what they decided."""

from django.conf import settings
from django.db import models


class Role(models.TextChoices):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    REVIEWER = "reviewer"
    PAYER = "payer"
    ADMIN = "admin"


class AuditEntry(models.Model):
    """One decision. Each entry holds the digest of the one before it, so that a change anywhere shows."""

    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    # "command" where someone with a shell acted.
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name}: {self.action} {self.subject}"
