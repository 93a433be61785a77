"""The roles of the dashboard's people, their API tokens, and the append-only log of what they decided."""

import pgtrigger
from django.conf import settings
from django.db import models

from workers.engine.plurals import say_count


class Role(models.TextChoices):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    REVIEWER = "reviewer"
    PAYER = "payer"
    ADMIN = "admin"


class Membership(models.Model):
    """The role of one person. Who has none may see nothing."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="membership")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class Scope(models.TextChoices):
    """What a program may do with a token. Even `act` never exceeds the role of the token's owner."""

    READ = "read", "Read"
    ACT = "act", "Read and act"


class ApiToken(models.Model):
    """A key for programs. Only its digest is kept: the key itself is shown once, when it is issued."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="What it is for")
    sha256 = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=4, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class ShareLink(models.Model):
    """Shows one page to whoever has its key, signed in or not, until it ends. Only the key's digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="share_links")
    address = models.CharField(max_length=1000, help_text="Of the page: path and query")
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.address


class SignInSlowdown(models.Model):
    """Failures to sign in with one name from one address since the last success; the wait grows with them."""

    key = models.CharField(max_length=64, unique=True, help_text="Keyed digest of the name, the address or both")
    n_failures = models.PositiveIntegerField(default=0)
    last_failure_at = models.DateTimeField()

    def __str__(self) -> str:
        return say_count(self.n_failures, "failure")


class AuditEntry(models.Model):
    """One decision. Each entry holds the digest of the one before it, so that a change anywhere shows."""

    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    # "command" if a command acted.
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["subject"])]
        triggers = [
            pgtrigger.Trigger(
                name="append_only",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
                func="RAISE EXCEPTION 'The audit log is append-only.';",
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name}: {self.action} {self.subject}"


class AuditEnd(models.Model):
    """Where the audit log ends, in a table of its own: a log that was emptied or cut off does not reach it."""

    # One row.
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    n_entries = models.PositiveBigIntegerField()
    last_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="accounts_one_audit_end")]

    def __str__(self) -> str:
        return say_count(self.n_entries, "entry")
