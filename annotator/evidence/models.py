"""Questions to networks: which head they have, and why they said what they said of a photograph."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from workers import contract


class Question(models.Model):
    """A question that a GPU process answers, and the answer: a row, so that it survives restarts of either side.

    The network is stated by address: it may be one that nobody has dissected. What the answer says of its tensors tells
    which registered network it is.
    """

    class Kind(models.TextChoices):
        HEADS = contract.HEADS, "which head the network has"
        EXPLAIN = contract.EXPLAIN, "a photograph explained"
        LOCALIZE = contract.LOCALIZE, "how well class maps find objects"
        SURGERY = contract.SURGERY, "a network cut and given a new head"
        FIT = contract.FIT, "a network taught the classes of photographs"

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        ANSWERED = "answered", "answered"
        REFUSED = "refused", "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    architecture = models.CharField(max_length=200)
    weights = models.CharField(max_length=500, blank=True, help_text="File or s3:// address; empty for random weights")
    preprocessing = models.JSONField(null=True, blank=True, help_text="Null: what the architecture states")
    options = models.JSONField(default=dict, help_text="What is asked: method, layer, classes, folders")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    # As docs/evidence.md lists it; empty until it is there.
    answer = models.JSONField(default=dict, blank=True)
    refusal = models.TextField(blank=True, help_text="Why there is no answer")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.architecture}"

    @property
    def folder(self) -> str:
        """Address of the question's folder in the artifact store."""
        return f"{settings.ARTIFACT_ROOT.rstrip('/')}/questions/{self.id}"

    def request(self) -> contract.QuestionRequest:
        """The message to the GPU processes, for the attempt that begins now."""
        shared: dict[str, Any] = {
            name: getattr(self, name) for name in ("kind", "architecture", "weights", "preprocessing", "options")
        }
        return contract.QuestionRequest(
            question_id=str(self.id), artifact=self.folder, attempt=self.n_attempts, **shared
        )
