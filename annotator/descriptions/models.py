"""What automatic methods say about units, in words: one description per unit and method.

What people and labeled pixels say is computed from answers and dissections, never copied here.
"""

from django.db import models
from django.db.models import Q

from annotator.units.models import Unit

MAX_DESCRIPTION = 1000
MAX_METHOD = 80
MAX_SCORE_NAME = 80


class Method(models.Model):
    """A way to describe units, such as CLIP-Dissect, whose descriptions a file brought."""

    name = models.CharField(unique=True, max_length=MAX_METHOD)
    score_name = models.CharField(
        max_length=MAX_SCORE_NAME,
        blank=True,
        help_text="What its scores are, such as IoU or similarity; empty: it gives none",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Description(models.Model):
    """What one method says about one unit. The text is kept as the file gave it."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="descriptions")
    method = models.ForeignKey(Method, on_delete=models.CASCADE, related_name="descriptions")
    text = models.CharField(max_length=MAX_DESCRIPTION)
    score = models.FloatField(null=True, blank=True, help_text="The method's own score; null if it gives none")
    details = models.JSONField(
        default=dict, blank=True, help_text="What else the file says: weights (of concepts), others (descriptions)"
    )
    source = models.CharField(max_length=64, help_text="The digest of the imported file")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["method", "unit"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "method"], name="one_description_per_method"),
            models.CheckConstraint(condition=~Q(text=""), name="description_not_empty"),
        ]
        indexes = [models.Index(fields=["method", "-score", "unit"], name="descriptions_by_score")]

    def __str__(self) -> str:
        return f"{self.unit} by {self.method}: {self.text}"
