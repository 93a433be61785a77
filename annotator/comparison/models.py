"""The relation of a unit's label by people to its label by Broden."""

from django.db import models

from annotator.comparison.relations import Relation
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Unit


class UnitComparison(models.Model):
    unit_label = models.OneToOneField(UnitLabel, on_delete=models.CASCADE, related_name="comparison")
    automatic_label = models.ForeignKey(AutomaticLabel, on_delete=models.CASCADE, related_name="comparisons")
    relation = models.CharField(max_length=9, choices=[(relation.value, relation.value) for relation in Relation])
    rule = models.CharField(max_length=300, help_text="By which rule the relation was found")
    lexicon_sha256 = models.CharField(
        max_length=64, blank=True, help_text="The lexicon that found the relation; empty: found before it was kept"
    )

    def __str__(self) -> str:
        return f"{self.unit_label}: {self.relation}"


class ImportedDescription(models.Model):
    """A unit's name by CLIP-Dissect: shown beside Broden's, never taken for an IoU label."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="imported_descriptions")
    source = models.CharField(max_length=64, help_text="The digest of the imported file")
    name = models.CharField(max_length=200)
    similarity = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "unit"], name="one_description_per_file")]

    def __str__(self) -> str:
        return f"{self.unit}: {self.name}"
