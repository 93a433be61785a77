"""Questions to networks: which head they have, and why they said what they said of a photograph."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from annotator.units.models import Image, Unit
from workers import contract


class Question(models.Model):
    """A question that a GPU process answers, and the answer: a row, so that it survives restarts of either side.

    The network is stated by address: it may be one that nobody has dissected. What the answer says of its tensors tells
    which registered network it is.
    """

    class Kind(models.TextChoices):
        HEADS = contract.HEADS, "which head the network has"
        LAYERS = contract.LAYERS, "which layers the network has"
        EXPLAIN = contract.EXPLAIN, "a photograph explained"
        LOCALIZE = contract.LOCALIZE, "how well class maps find objects"
        SURGERY = contract.SURGERY, "a network cut and given a new head"
        FIT = contract.FIT, "a network taught the classes of photographs"
        IMPORTANCE = contract.IMPORTANCE, "how much units add to what the network says"
        ABLATE = contract.ABLATE, "what classes lose without some units"
        LOOK = contract.LOOK, "what units do on a photograph"
        VIEW = contract.VIEW, "what a unit and a class look at"
        WALK = contract.WALK, "which units feed which"
        LEARN = contract.LEARN, "a read-out fitted"
        READ = contract.READ, "a photograph read with a read-out"

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        ANSWERED = "answered", "answered"
        REFUSED = "refused", "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    architecture = models.CharField(max_length=200)
    weights = models.CharField(max_length=500, blank=True, help_text="File or s3:// address; empty for random weights")
    code_folder = models.CharField(max_length=500, blank=True, help_text="Where the code of a function lies")
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
    # Of questions that a page shows: who asked, which photograph, and whether it outlives asking.KEPT_FOR. Questions
    # about the same photograph share its id; each has a copy of its own.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    photograph_id = models.UUIDField(null=True, blank=True, db_index=True)
    title = models.CharField(max_length=200, blank=True, help_text="The photograph's file name")
    image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.SET_NULL, help_text="If of an image set")
    is_kept = models.BooleanField(default=False)

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.architecture}"

    @property
    def folder(self) -> str:
        """Address of the question's folder in the artifact store."""
        return f"{settings.ARTIFACT_ROOT.rstrip('/')}/{self.folder_name}"

    @property
    def folder_name(self) -> str:
        """Of that folder, below ARTIFACT_ROOT."""
        return f"questions/{self.id}"

    def request(self, *, position: int = 0, attempt: int = 0) -> contract.QuestionRequest:
        """The message to the GPU processes, for the attempt that begins now; of a part if its place is given."""
        shared: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("kind", "architecture", "weights", "preprocessing", "options", "code_folder")
        }
        return contract.QuestionRequest(
            question_id=str(self.id), artifact=self.folder, attempt=attempt or self.n_attempts, position=position,
            **shared,
        )  # fmt: skip


class QuestionPart(models.Model):
    """One GPU task of a question that is answered in parts; the last one joins the others."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField(help_text="One-based: 0 is the question's own")
    n_images = models.PositiveIntegerField(default=0)
    is_join = models.BooleanField(default=False)
    is_done = models.BooleanField(default=False)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["question", "position"]
        constraints = [models.UniqueConstraint(fields=["question", "position"], name="one_part_per_position")]

    def __str__(self) -> str:
        return f"{self.question_id}, part {self.position}"

    def request(self) -> contract.QuestionRequest:
        """The message to the GPU processes, for the attempt that begins now."""
        return self.question.request(position=self.position, attempt=self.n_attempts)


class UnitClasses(models.Model):
    """The classes that a unit speaks for and against, by the weights of its network's head (docs/evidence.md)."""

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, related_name="classes")
    # Lists of class index, name and weight, the largest weight first.
    speaks_for = models.JSONField(default=list)
    speaks_against = models.JSONField(default=list)
    form = models.CharField(max_length=40, help_text="Of the head: docs/evidence.md, Heads")
    found_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Classes of {self.unit}"
