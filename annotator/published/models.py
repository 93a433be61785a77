"""The bundles that were read: what makes reading one twice the same as once."""

from django.db import models

from annotator.crowd.models import Campaign


class ImportedBundle(models.Model):
    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="bundle")
    content_sha256 = models.CharField(max_length=64, help_text="Of the bundle's files, but for its manifest")
    manifest = models.JSONField(help_text="As it stands in the bundle: versions, commit, lexicon, dates")
    imported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.campaign} from bundle {self.content_sha256[:12]}"
