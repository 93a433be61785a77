"""Jobs: each step that somebody set going, and how far it came. The row is the truth; a message is a hint."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from annotator.crowd.models import Campaign


class Job(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"
        LOST = "lost"

    step = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=20)
    subject_key = models.CharField(max_length=80, help_text="The row's id; of a new campaign, its name")
    # On whose page the job is shown. Null also if it was deleted.
    campaign = models.ForeignKey(Campaign, on_delete=models.SET_NULL, related_name="jobs", null=True, blank=True)
    options = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    # "command" if somebody with a shell asked.
    actor_name = models.CharField(max_length=150)
    permit_given_by = models.CharField(max_length=150, blank=True, help_text="Who confirmed real money; empty: nobody")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    sentence = models.TextField(blank=True, help_text="What was done, or why not")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When its last message was sent to the web queue")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "subject_kind", "subject_key"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_active_job",
            )
        ]
        indexes = [models.Index(fields=["campaign", "step", "-id"])]

    def __str__(self) -> str:
        return f"{self.step} of {self.subject_kind} {self.subject_key}: {self.state}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


ACTIVE = (Job.State.WAITING, Job.State.RUNNING)
