"""What the people of a lab write down about units for one another, and the views they keep. No label comes of it."""

from django.conf import settings
from django.db import models

from annotator.units.models import Unit

MAX_NOTE, MAX_TAG, MAX_VIEW, MAX_ADDRESS = 2000, 40, 80, 1000


class UnitNote(models.Model):
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="notes")
    text = models.CharField(max_length=MAX_NOTE)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["-written_at", "-pk"]

    def __str__(self) -> str:
        return self.text[:80]


class UnitTag(models.Model):
    """A word in lower case that several units may have. Everybody sees it, and everybody may take it away."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=MAX_TAG)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="tags")
    tagged_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["unit", "name"], name="one_tag_per_unit_and_name")]
        indexes = [models.Index(fields=["name", "unit"], name="tagged")]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """The address of a page with its filters, under a name. Everybody sees it; its owner renames or deletes it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=MAX_VIEW)
    address = models.CharField(max_length=MAX_ADDRESS, help_text="Path and query of a page of the dashboard")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_per_owner_and_name")]

    def __str__(self) -> str:
        return self.name
