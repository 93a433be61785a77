"""How a unit's label by people stands beside its label by Broden."""

from django.db import models

from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel


class Relation(models.TextChoices):
    """Of the people's concept to Broden's label: a hypernym is the wider word."""

    EQUAL = "equal"
    SYNONYM = "synonym"
    HYPERNYM = "hypernym"
    HYPONYM = "hyponym"
    DIFFERENT = "different"


class UnitComparison(models.Model):
    unit_label = models.OneToOneField(UnitLabel, on_delete=models.CASCADE, related_name="comparison")
    automatic_label = models.ForeignKey(AutomaticLabel, on_delete=models.CASCADE, related_name="comparisons")
    relation = models.CharField(max_length=9, choices=Relation.choices)
    rule = models.CharField(max_length=200, help_text="By which rule the relation was found")

    def __str__(self) -> str:
        return f"{self.unit_label}: {self.relation}"
