"""Studies: people judge on drawn photographs whether what methods say of units holds there (docs/studies.md)."""

from django.db import models
from django.db.models import Q

from annotator.crowd.models import Campaign
from annotator.names import MAX_LENGTH, validate_name
from annotator.units.models import Dissection, Unit

# The campaign of a round in one of these states gets no further answers.
ENDED = (Campaign.State.COMPLETE, Campaign.State.CLOSED)


class Study(models.Model):
    """A plan that was frozen before the first answer. Nothing of it changes; the report says what departed from it."""

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    dissection = models.ForeignKey(Dissection, on_delete=models.PROTECT, related_name="studies")
    plan = models.JSONField(help_text="plan.Plan: units, methods, sample, rounds, stopping rule, metric")
    sha256 = models.CharField(max_length=64, help_text="Of the plan and of all its pairs and draws")
    planned_at = models.DateTimeField()

    class Meta:
        ordering = ["-planned_at"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.name


class StudyPair(models.Model):
    """A unit and what one method says of it, as it was when the plan was frozen, with the drawn photographs."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="pairs")
    position = models.PositiveIntegerField(help_text="Zero-based within the study")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    method = models.CharField(max_length=80)
    text = models.CharField(max_length=1000)
    # Lists of equal length in the order drawn: images (indexes), q, prior, activation, standardized, is_active.
    draws = models.JSONField()
    # An image's path and whether the description holds there, in the order in which questions show them: the truth is
    # known, and the image is not drawn.
    gold = models.JSONField(default=list)

    class Meta:
        ordering = ["study", "position"]
        constraints = [
            models.UniqueConstraint(fields=["study", "position"], name="one_pair_per_position"),
            models.UniqueConstraint(fields=["study", "unit", "method"], name="one_pair_per_unit_and_method"),
            models.CheckConstraint(condition=~Q(text=""), name="pair_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} by {self.method}: {self.text}"


class StudyRound(models.Model):
    """A part of the draws of all pairs, asked by one campaign; the next is asked unless the stopping rule is met."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveSmallIntegerField(help_text="Zero-based")
    campaign = models.OneToOneField(Campaign, on_delete=models.PROTECT, related_name="study_round")

    class Meta:
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="one_campaign_per_round")]

    def __str__(self) -> str:
        return f"{self.study} round {self.number + 1}"
