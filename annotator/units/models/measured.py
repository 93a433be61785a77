"""What dissections measured: of each unit its values, its top images and its labels."""

from django.db import models
from django.db.models import Q

from annotator.units.models.dissections import Dissection
from annotator.units.models.images import Image
from annotator.units.models.networks import Unit


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
    # The index below is all it needs: no page asks for the low images of a photograph, and no image is ever deleted.
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
        # Says alone which units share photographs, and finds a photograph's best places without sorting all of them.
        indexes = [
            models.Index(
                fields=["image", "rank", "id"],
                include=["dissected_unit"],
                condition=Q(is_low=False),
                name="places_of_image",
            )
        ]

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
