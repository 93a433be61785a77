"""Runs of layers over an image set, and the tasks that they are cut into."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotator.units.models.images import ImageSet
from annotator.units.models.networks import Network

# Of a dissection's layers, as many are named where it is one of several.
N_NAMED_LAYERS = 3


class Dissection(models.Model):
    """One run of layers over an image set. The database is the truth; a broker message is a hint."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        RUNNING = "running"
        INGESTING = "ingesting"
        DONE = "done"
        FAILED = "failed"
        CANCELED = "canceled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="dissections")
    image_set = models.ForeignKey(ImageSet, on_delete=models.PROTECT, related_name="dissections")
    weights = models.CharField(
        max_length=500, blank=True, help_text="Address that it reads; the network's may be newer"
    )
    code_folder = models.CharField(
        max_length=500, blank=True, help_text="Where it reads that code; the network's may be newer"
    )
    layer_paths = models.JSONField(help_text="Dotted paths, in the order asked for")
    options = models.JSONField(default=dict, help_text="contract.DissectionOptions: counts, tail, modes, seed")
    is_baseline = models.BooleanField(
        default=False, help_text="Measured with random weights, to stand beside others: nobody asked for its units"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    error = models.TextField(blank=True)
    n_images = models.PositiveIntegerField(default=0)
    n_quarantined = models.PositiveIntegerField(default=0)
    passed_over = models.JSONField(
        default=list, help_text="Files of the folder that are no images of the set: reason, count, examples"
    )
    artifact_name = models.CharField(
        max_length=500,
        blank=True,
        help_text="Of the artifact's folder below ARTIFACT_ROOT; a whole address if it lies in another store",
    )
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    seconds_by_stage = models.JSONField(default=dict)
    environment = models.JSONField(default=dict, help_text="torch, device, batch size: what equal hashes depend on")
    detectors = models.JSONField(
        default=dict,
        help_text="By layer path and IoU mode: n_detectors, n_unique as published, their intervals and chance",
    )
    labels = models.JSONField(default=list, help_text="Label table of the set: number, name, category, categories")
    layer_facts = models.JSONField(
        default=dict, help_text="By layer path: axes, tokens_dropped, read_as, anchoring; absent: not recorded"
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.network} on {self.image_set}"

    @property
    def run_words(self) -> str:
        """What tells it from other runs of the same network over the same images."""
        layers, more = self.layer_paths[:N_NAMED_LAYERS], len(self.layer_paths) - N_NAMED_LAYERS
        named = ", ".join(layers) + (f" and {more} more" if more > 0 else "")
        return f"{named}, {self.created_at:%Y-%m-%d %H:%M}, {str(self.pk)[:8]}"

    @property
    def artifact(self) -> str:
        """Address of the artifact's folder in this installation's store, which may have moved since."""
        is_elsewhere = "://" in self.artifact_name or not self.artifact_name
        return self.artifact_name if is_elsewhere else f"{settings.ARTIFACT_ROOT.rstrip('/')}/{self.artifact_name}"


def name_artifact(dissection_id: uuid.UUID) -> str:
    """Of the folder that a dissection of this installation writes, below ARTIFACT_ROOT."""
    return f"dissections/{dissection_id}"


# Nothing more comes of these unless somebody says: try again.
GIVEN_UP = (Dissection.State.FAILED, Dissection.State.CANCELED)


class RandomBaseline(models.Model):
    """One layer's detectors with the network's weights drawn at random (docs/measures.md, Chance).

    Every dissection of equal architecture, layer, images and options has the same one, so that it is measured once.
    """

    key = models.CharField(max_length=64, unique=True, help_text="Digest of all that its counts depend on")
    layer_path = models.CharField(max_length=200)
    measured_by = models.ForeignKey(Dissection, on_delete=models.CASCADE, related_name="measured_baselines")
    dissections = models.ManyToManyField(Dissection, related_name="random_baselines", help_text="It stands beside them")
    weights_from = models.CharField(max_length=20, blank=True, help_text="How the weights were drawn")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.layer_path} with random weights"


class GPUTask(models.Model):
    """One Celery task of a dissection on the gpu queue. Attempts are counted at dispatch, not by the broker."""

    class Stage(models.TextChoices):
        SURVEY = "survey", "counts the images and checks network and layers"
        MEASURE = "measure", "streams one shard of the images through the network"
        MERGE = "merge", "merges the shards and labels the units; cuts the crops of few units at once"
        CROP = "crop", "cuts the crops of some units"
        FINISH = "finish", "joins the crops and writes the results"

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        DONE = "done"
        POISONED = "poisoned"

    dissection = models.ForeignKey(Dissection, on_delete=models.CASCADE, related_name="gpu_tasks")
    position = models.PositiveIntegerField(help_text="Zero-based within the dissection; names its artifacts")
    stage = models.CharField(max_length=7, choices=Stage.choices)
    first_image = models.PositiveIntegerField(default=0)
    end_image = models.PositiveIntegerField(default=0, help_text="One past the last image")
    n_units = models.PositiveIntegerField(default=0, help_text="Whose crops it cuts")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    n_forgiven = models.PositiveSmallIntegerField(default=0, help_text="Attempts before somebody said: try again")
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["dissection", "position"]
        constraints = [
            models.UniqueConstraint(fields=["dissection", "position"], name="one_task_per_position"),
            models.CheckConstraint(condition=Q(end_image__gte=F("first_image")), name="shard_not_reversed"),
        ]

    def __str__(self) -> str:
        return f"{self.dissection_id} {self.stage} {self.position}"
