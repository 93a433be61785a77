"""HITs, and the units, crops and photographs that they show."""

import uuid

from django.db import models
from django.db.models import Q

from annotator.crowd.models.campaigns import Campaign
from annotator.units.models import DissectedUnit, Image, TopImage, Unit


class HITType(models.Model):
    """One folder of hit_templates/ as it was registered at the campaign's marketplace."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="hit_types")
    template = models.CharField(max_length=80, default="unit_semantics")
    template_sha256 = models.CharField(max_length=64, blank=True)
    fields = models.JSONField(default=dict, help_text="What was sent to register it")
    external_id = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.campaign} {self.template}"


class HIT(models.Model):
    """One question, about one or several units, put to n_assignments people."""

    class State(models.TextChoices):
        COMPOSED = "composed"
        PUBLISHED = "published"
        COMPLETE = "complete"
        CANCELED = "canceled"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="hits")
    hit_type = models.ForeignKey(HITType, on_delete=models.CASCADE, related_name="hits")
    question_key = models.CharField(
        max_length=200,
        help_text="Ids of its units, in their order, joined by +; of a question about photographs its digest follows",
    )
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    seed = models.BigIntegerField()
    n_assignments = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.COMPOSED)
    external_id = models.CharField(max_length=64, blank=True)
    # Nobody can take it after this. Null: not published, or not known.
    expires_at = models.DateTimeField(null=True, blank=True)
    n_released = models.PositiveSmallIntegerField(
        default=0, help_text="Assignments of a withdrawn HIT that nobody took: their money is free again"
    )

    class Meta:
        ordering = ["campaign", "id"]
        constraints = [models.UniqueConstraint(fields=["hit_type", "question_key"], name="one_hit_per_question")]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.name_units()}"

    def name_units(self) -> str:
        """For lists, prefetch `hit_units__unit__layer`."""
        return " and ".join(str(one.unit) for one in self.hit_units.all())


class HITUnit(models.Model):
    """A unit that a HIT shows, and the phrase that the HIT asks about it, if any."""

    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="hit_units")
    position = models.PositiveSmallIntegerField(default=0, help_text="Order on the page, from zero")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="hit_units")
    # Null in an imported campaign, and if the HIT shows photographs.
    dissected_unit = models.ForeignKey(
        DissectedUnit, on_delete=models.PROTECT, related_name="hit_units", null=True, blank=True
    )
    phrase = models.CharField(max_length=1000, blank=True)
    # Of a question about photographs (campaigns/questions.py).
    texts = models.JSONField(default=list, blank=True, help_text="Descriptions that it shows, of no stated method")
    facts = models.JSONField(default=dict, blank=True, help_text="What its HIT type asks: is_graded, is_catch")
    asked_as = models.CharField(max_length=200, blank=True, help_text="What its asker calls it; on no page")
    chosen_because = models.CharField(max_length=80, blank=True, help_text="top IoU, random, named, disagreement")
    inclusion_probability = models.FloatField(
        null=True,
        blank=True,
        help_text="The probability of being chosen in this way; null: chosen by hand, or not recorded",
    )

    class Meta:
        ordering = ["hit", "position"]
        constraints = [
            models.UniqueConstraint(fields=["hit", "position"], name="one_unit_per_position"),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="inclusion_probability_0_to_1",
            ),
        ]

    def __str__(self) -> str:
        return str(self.unit)


class HITImage(models.Model):
    """What a HIT may show: top crops and the low crops that planted negatives are drawn from, or whole photographs."""

    hit_unit = models.ForeignKey(HITUnit, on_delete=models.CASCADE, related_name="images")
    top_image = models.ForeignKey(TopImage, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    is_planted = models.BooleanField(default=False)
    # Of a whole photograph.
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    number = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Zero-based within the question")
    section = models.PositiveSmallIntegerField(default=0, help_text="Photographs are shuffled within their section")
    gold = models.BooleanField(null=True, blank=True, help_text="The right answer; null: not known")
    tile = models.CharField(max_length=64, blank=True, help_text="SHA-256 and name of the stored picture")

    class Meta:
        ordering = ["hit_unit", "top_image", "number"]
        constraints = [
            models.UniqueConstraint(fields=["hit_unit", "top_image"], name="one_crop_per_hit_unit"),
            models.UniqueConstraint(fields=["hit_unit", "number"], name="one_photograph_per_number"),
            models.CheckConstraint(
                condition=Q(top_image__isnull=False, image__isnull=True, number__isnull=True)
                | Q(top_image__isnull=True, image__isnull=False, number__isnull=False),
                name="crop_or_photograph",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_unit} {'photograph' if self.top_image is None else 'rank'} {self.rank}"

    @property
    def rank(self) -> int:
        """The number that answers name it by."""
        return self.top_image.rank if self.top_image is not None else int(self.number or 0)
