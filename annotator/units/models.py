"""What is studied: networks, their layers and units, image sets, and what dissections measured."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotator.names import MAX_LENGTH, validate_name

# What a file brought cannot be dissected here: its architecture, or its image set's address, begins with this.
IMPORTED = "imported"


# Of a dissection's layers, as many are named where it is one of several.
N_NAMED_LAYERS = 3


def forget_imported(name: str) -> str:
    """An architecture or address as it was where the file was written."""
    return name.removeprefix(f"{IMPORTED}:")


class RegisteredNetworks(models.Manager["Network"]):
    """Networks that could be loaded, or that nobody has tried to load yet."""

    def get_queryset(self) -> models.QuerySet["Network"]:
        return super().get_queryset().filter(is_refused=False)


class Network(models.Model):
    """A network registered by command. Once loaded, it is the one with these tensors and this code, wherever they lie.

    The digests are empty until a GPU process has loaded the network, and for networks of imported answers.
    """

    class WeightsFrom(models.TextChoices):
        FILE = "file", "read from a file"
        CODE = "code", "set by the function that builds the network"
        RANDOM = "random", "drawn by a seed"
        ACTIVATIONS = "activations", "none: activations were saved"

    name = models.CharField(max_length=MAX_LENGTH, validators=[validate_name])
    architecture = models.CharField(
        max_length=200, help_text="torchvision:NAME, unitscope:NAME or package.module:function"
    )
    weights = models.CharField(max_length=500, blank=True, help_text="File or s3:// address; empty for random weights")
    code_folder = models.CharField(max_length=500, blank=True, help_text="Where a command found the code of a function")
    weights_sha256 = models.CharField(max_length=64, blank=True, help_text="Digest of the tensors that ran")
    source_sha256 = models.CharField(max_length=64, blank=True, help_text="Digest of the code of a function's network")
    weights_from = models.CharField(max_length=11, blank=True, choices=WeightsFrom.choices)
    is_refused = models.BooleanField(default=False, help_text="It could not be loaded: offered nowhere, its name free")
    preprocessing = models.JSONField(null=True, blank=True, help_text="Null: what the architecture states")
    registered_at = models.DateTimeField()

    objects = RegisteredNetworks()
    every = models.Manager["Network"]()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(is_refused=False), name="one_network_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.name} (random weights)" if self.is_random else self.name

    @property
    def is_random(self) -> bool:
        """True if the weights were drawn by a seed: the network has learned nothing."""
        return self.weights_from == self.WeightsFrom.RANDOM

    @property
    def weights_words(self) -> str:
        """Which weights, in a few words, for wherever the network is named."""
        if self.is_random:
            return "random weights"
        if self.weights_from == self.WeightsFrom.ACTIVATIONS:
            return "saved activations"
        if not self.weights_sha256:
            return "weights not recorded"
        own = "weights set by its code" if self.weights_from == self.WeightsFrom.CODE else "weights"
        return f"{own} {self.weights_sha256[:8]}"

    def describe(self) -> dict[str, Any]:
        """Which network a report, an export or a data card is about."""
        fields = ("name", "architecture", "weights_sha256", "source_sha256", "weights_from")
        told = {field: getattr(self, field) for field in fields}
        return told | {"architecture": forget_imported(self.architecture), "weights": self.weights_words}


class NetworkAlias(models.Model):
    """A former name of a network: its addresses lead to the network that it was merged with."""

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return self.name


class Layer(models.Model):
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="layers")
    path = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order of depth within the network")
    n_units = models.PositiveIntegerField()
    is_size_known = models.BooleanField(
        default=True, help_text="False: a published file named some units, and the layer may have more"
    )
    # {"size", "stride", "offset"} in pixels of the input; null where the graph gives none, with the reason beside it.
    theoretical_receptive_field = models.JSONField(null=True, blank=True)
    receptive_field_note = models.CharField(max_length=300, blank=True)
    importance_over = models.JSONField(
        default=dict, blank=True, help_text="Of its units' importance: images, n_images, by; empty: not measured"
    )

    class Meta:
        ordering = ["network", "position", "path"]
        constraints = [models.UniqueConstraint(fields=["network", "path"], name="one_layer_per_path")]

    def __str__(self) -> str:
        return f"{self.network.name} {self.path}"


class Unit(models.Model):
    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="units")
    index = models.PositiveIntegerField(help_text="Zero-based")
    importance = models.FloatField(
        null=True, blank=True, help_text="Mean absolute share in the network's first score (docs/evidence.md)"
    )

    class Meta:
        ordering = ["layer", "index"]
        constraints = [models.UniqueConstraint(fields=["layer", "index"], name="one_unit_per_index")]
        indexes = [models.Index(fields=["-importance", "id"], condition=Q(importance__isnull=False), name="important")]

    def __str__(self) -> str:
        return f"{self.layer.path} unit {self.index}"

    @property
    def audit_name(self) -> str:
        """How the audit log names a unit."""
        return f"unit {self.layer.network.name}/{self.layer.path}/{self.index}"


class ImageSet(models.Model):
    """A folder of images, with labels or without, registered by command."""

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    address = models.CharField(max_length=500, help_text="Folder or s3:// prefix")
    labels = models.CharField(
        max_length=500, blank=True, help_text="File or folder of labels, none or folders; empty: found by look"
    )
    has_labels = models.BooleanField(default=False, help_text="Its images carry labels")
    is_rendered = models.BooleanField(default=False, help_text="Drawn by a program, not photographed")
    n_images = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of names, sizes and tables")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the content of images and label maps")
    registered_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="images")
    index = models.PositiveIntegerField(help_text="Zero-based place in the set")
    path = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file; empty if it was not recorded")
    quarantine_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["image_set", "index"]
        constraints = [models.UniqueConstraint(fields=["image_set", "index"], name="one_image_per_index")]

    def __str__(self) -> str:
        return self.path


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


class DissectedUnit(models.Model):
    """The measurements of one unit by one dissection, without its images and labels."""

    class Silence(models.TextChoices):
        """Why a unit tells nothing (docs/measures.md, Top and low images); empty if it tells something."""

        CONSTANT = "constant", "the same peak on every image"
        SILENT = "silent", "its peaks do not exceed those of its lowest tenth of images"
        NEGATIVE = "negative", "never above zero"
        TIED = "tied", "half of its top images do not exceed its low images"

    dissection = models.ForeignKey(Dissection, on_delete=models.CASCADE, related_name="dissected_units")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="dissections")
    threshold = models.FloatField(help_text="T_u of docs/measures.md, Threshold")
    peak_low = models.FloatField(help_text="Lowest peak over the image set")
    peak_high = models.FloatField(help_text="Highest peak over the image set")
    silence = models.CharField(max_length=8, choices=Silence.choices, blank=True)
    peak_histogram = models.JSONField(
        default=list, help_text="Counts of peaks in equal bins from peak_low to peak_high"
    )
    n_top = models.PositiveSmallIntegerField(help_text="Top crops in the sheet")
    n_low = models.PositiveSmallIntegerField(help_text="Low crops after them: what planted negatives are drawn from")
    tile_px = models.PositiveSmallIntegerField()
    strip = models.CharField(max_length=64, help_text="SHA-256 and name of the JPEG strip that holds the tiles")
    empirical_size_px = models.FloatField(
        null=True, blank=True, help_text="Side of the empirical receptive field; null where it was not estimated"
    )
    empirical_picture = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 and name of the PNG that shows the averaged discrepancy map"
    )
    values = models.JSONField(
        default=dict, help_text="By measure's name, what measures without columns of their own found"
    )

    class Meta:
        ordering = ["dissection", "unit"]
        constraints = [models.UniqueConstraint(fields=["dissection", "unit"], name="measured_once")]

    def __str__(self) -> str:
        return str(self.unit)


class TopImage(models.Model):
    """An image of highest peak (or of the lowest tenth, for planted negatives) and the crop cut from it."""

    dissected_unit = models.ForeignKey(DissectedUnit, on_delete=models.CASCADE, related_name="top_images")
    # Its index is one of those below.
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+", db_index=False)
    rank = models.PositiveSmallIntegerField(help_text="Zero-based; low images follow the top ones")
    is_low = models.BooleanField(default=False)
    peak = models.FloatField()
    peak_row = models.SmallIntegerField(help_text="Cell of the layer's map")
    peak_column = models.SmallIntegerField()
    crop_left = models.SmallIntegerField(help_text="px of the preprocessed image")
    crop_top = models.SmallIntegerField()
    crop_side = models.SmallIntegerField()
    is_peak_region = models.BooleanField(
        default=False, help_text="The map has no segment: the crop shows the region of its peak"
    )

    class Meta:
        ordering = ["dissected_unit", "rank"]
        constraints = [models.UniqueConstraint(fields=["dissected_unit", "rank"], name="one_image_per_rank")]
        # Says alone which units share photographs.
        indexes = [models.Index(fields=["image", "dissected_unit"], include=["is_low"], name="units_of_image")]

    def __str__(self) -> str:
        return f"{self.dissected_unit} rank {self.rank}"


class AutomaticLabel(models.Model):
    """A unit's best label within one category of Broden, by one mode of IoU (docs/measures.md, IoU)."""

    class Mode(models.TextChoices):
        PAPER = "paper"
        LITE = "lite"
        UNCONDITIONAL = "unconditional"
        IMPORTED = "imported"

    # Null if the label was imported.
    dissection = models.ForeignKey(
        Dissection, on_delete=models.CASCADE, related_name="automatic_labels", null=True, blank=True
    )
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="automatic_labels")
    source = models.CharField(max_length=64, help_text="The dissection's id, or the digest of the imported file")
    mode = models.CharField(max_length=13, choices=Mode.choices)
    category = models.CharField(max_length=20)
    label = models.CharField(max_length=100)
    iou = models.FloatField()
    intersection = models.FloatField(null=True)
    area = models.FloatField(null=True)
    truth = models.FloatField(null=True)
    # The 95 % interval over images; null if it was not estimated.
    iou_low = models.FloatField(null=True)
    iou_high = models.FloatField(null=True)
    is_best = models.BooleanField(default=False, help_text="The best of the unit's categories: its label")

    class Meta:
        ordering = ["unit", "-iou"]
        constraints = [
            models.UniqueConstraint(fields=["source", "unit", "mode", "category"], name="one_label_per_category"),
            models.UniqueConstraint(
                fields=["source", "unit", "mode"], condition=Q(is_best=True), name="one_best_label"
            ),
            models.CheckConstraint(condition=Q(iou__gte=0, iou__lte=1), name="iou_between_0_and_1"),
        ]
        # The orders of the gallery: see dashboard/units/searching.py.
        indexes = [
            models.Index(fields=order, include=["source", "mode"], condition=Q(is_best=True), name=f"best_by_{name}")
            for name, order in (("iou", ["-iou", "unit"]), ("label", ["label", "unit"]))
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.label} {self.iou:.3f}"
