"""What a unit means to people: its label from the answers of a campaign."""

from django.db import models
from django.db.models import Q

from annotator.crowd.models import CATEGORY_CHOICES, Campaign
from annotator.units.models import Unit

# 1: one-coin weights, one spread per campaign, head nouns join groups (November 2026). 2: docs/measures.md, Unit label.
RULE_VERSION = 3


def describe_simulated(*, n_simulated: int, n_answers: int) -> str:
    """How pages mark what simulated people said; empty if only people answered."""
    if not n_simulated:
        return ""
    return "simulated people" if n_simulated >= n_answers else "partly simulated"


class UnitLabel(models.Model):
    """A unit's label from the answers of one campaign, or pooled over several (`labels/recording.py`)."""

    # Null: pooled over the campaigns that asked the same question about the same crops.
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="unit_labels", null=True, blank=True)
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="unit_labels")
    source = models.CharField(
        max_length=64, blank=True, help_text="The id of the dissection whose crops people saw; empty: imported answers"
    )
    is_of_record = models.BooleanField(default=False, help_text="Stands for what people say about the unit's crops")
    concept = models.CharField(max_length=200)
    category = models.CharField(max_length=30, choices=CATEGORY_CHOICES)
    precision = models.FloatField(help_text="Mean over the unit's answers; decides whether it is interpretable")
    precision_low = models.FloatField(help_text="95 % interval that models the spread between people")
    precision_high = models.FloatField()
    n_answers = models.PositiveSmallIntegerField()
    n_same_concept = models.PositiveSmallIntegerField(default=0, help_text="Answers in the concept's group")
    n_same_category = models.PositiveSmallIntegerField(default=0)
    n_inattentive = models.PositiveSmallIntegerField(
        default=0, help_text="Of the answers that count, those that left two or more planted negatives unmarked"
    )
    n_simulated = models.PositiveSmallIntegerField(default=0, help_text="Of the answers, those by simulated people")
    lexicon_sha256 = models.CharField(
        max_length=64, blank=True, help_text="The lexicon that read the answers; empty: labeled before it was kept"
    )
    reasons = models.JSONField(default=dict, help_text="Raw words, group, and the rule at each step")
    # {rank: probability of fitting}; null where marks or workers are unknown.
    crop_probabilities = models.JSONField(null=True, blank=True)
    labeled_at = models.DateTimeField()
    rule_version = models.PositiveSmallIntegerField(
        default=RULE_VERSION, help_text="Of the rules that made the label; lower than today's: label again"
    )
    # By a reviewer, while the concept is the one that was accepted.
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["campaign", "unit"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "unit"], name="one_label_per_unit"),
            models.UniqueConstraint(
                fields=["unit", "source"], condition=Q(is_of_record=True), name="one_label_of_record"
            ),
            models.CheckConstraint(condition=Q(precision__gte=0, precision__lte=1), name="label_precision_0_to_1"),
        ]
        # The orders of the gallery: see dashboard/units/searching.py.
        indexes = [
            models.Index(fields=["campaign", "-precision_low", "unit"], name="labels_by_precision"),
            models.Index(fields=["campaign", "concept", "unit"], name="labels_by_concept"),
            *(
                models.Index(
                    fields=[order, "unit"], include=["source"], condition=Q(is_of_record=True), name=f"record_by_{name}"
                )
                for name, order in (("low", "-precision_low"), ("high", "precision_high"), ("concept", "concept"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.concept}"

    @property
    def is_by_older_rules(self) -> bool:
        return self.rule_version < RULE_VERSION

    @property
    def simulated_words(self) -> str:
        return describe_simulated(n_simulated=self.n_simulated, n_answers=self.n_answers)


class ConceptRevision(models.Model):
    """A reviewer's judgement on concepts: kept, and applied again at every labeling, in the order of the rows."""

    class Kind(models.TextChoices):
        MERGE = "merge"
        SPLIT = "split"
        RENAME = "rename"
        ACCEPT = "accept"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="concept_revisions")
    # Null: every unit of the campaign (merge).
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="concept_revisions", null=True, blank=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    words = models.JSONField(default=list, help_text="Normalized forms that it is about")
    into = models.CharField(max_length=200, blank=True)
    reviewer = models.CharField(max_length=150)
    revised_at = models.DateTimeField()
    # Not null: taken back. The row stays, and no labeling applies it.
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["campaign", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(self.words)} -> {self.into}"
