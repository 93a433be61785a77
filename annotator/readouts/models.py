"""Read-outs: linear models on the pooled units of a layer, each fitted to photographs (docs/readouts.md)."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from annotator.evidence.models import Question
from annotator.names import MAX_LENGTH, validate_name
from workers import contract
from workers.engine.readouts import options


class Readout(models.Model):
    """One read-out: to which network's layer, to which data, how well it does. Its weights lie in the artifact store.

    The network is stated by address, as in Question; what answered the fit is known by its digests.
    """

    class Task(models.TextChoices):
        CLASSIFY = options.CLASSIFY, "classes"
        REGRESS = options.REGRESS, "a number"
        CLUSTER = options.CLUSTER, "clusters"
        VQA = options.VQA, "questions"
        CAPTION = options.CAPTION, "captions"

    class State(models.TextChoices):
        FITTING = "fitting", "is being fitted"
        FITTED = "fitted", "fitted"
        REFUSED = "refused", "refused"
        CANCELED = "canceled", "canceled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_LENGTH, unique=True, validators=[validate_name])
    task = models.CharField(max_length=10, choices=Task.choices)
    architecture = models.CharField(max_length=200)
    weights = models.CharField(max_length=500, blank=True)
    code_folder = models.CharField(max_length=500, blank=True)
    preprocessing = models.JSONField(null=True, blank=True)
    layer = models.CharField(max_length=200, blank=True, help_text="Empty until it is fitted if the head's was asked")
    options = models.JSONField(default=dict, help_text="To which data it is fitted, and how")
    state = models.CharField(max_length=10, choices=State.choices, default=State.FITTING)
    refusal = models.TextField(blank=True)
    # The question that a GPU process answers with the fit; its folder holds the checkpoints.
    question = models.ForeignKey(Question, null=True, blank=True, on_delete=models.SET_NULL)
    # What the GPU process reported: figures with intervals and baselines, and `network`, its digests.
    report = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    fitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> str:
        """Address of its folder in the artifact store."""
        return f"{settings.ARTIFACT_ROOT.rstrip('/')}/{self.folder_name}"

    @property
    def folder_name(self) -> str:
        """Of that folder, below ARTIFACT_ROOT."""
        return contract.readout_folder(str(self.id))

    @property
    def takes_questions(self) -> bool:
        return self.task == self.Task.VQA

    @property
    def is_toy(self) -> bool:
        """True for captions: what is trained here is too small to be judged by its sentences."""
        return self.task == self.Task.CAPTION

    @property
    def stated_network(self) -> dict[str, Any]:
        """As Question keeps it."""
        names = ("architecture", "weights", "code_folder", "preprocessing")
        return {name: getattr(self, name) for name in names}
