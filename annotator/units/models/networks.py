"""Networks, their layers and units."""

from typing import Any

from django.db import models
from django.db.models import Q

from annotator.names import MAX_LENGTH, validate_name

# What a file brought cannot be dissected here: its architecture, or its image set's address, begins with this.
IMPORTED = "imported"


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
