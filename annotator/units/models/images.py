"""Image sets and their images."""

from django.db import models

from annotator.names import MAX_LENGTH, validate_name


class ImageSet(models.Model):
    """A folder of images, with labels or without, registered by command."""

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    address = models.CharField(max_length=500, help_text="Folder or s3:// prefix")
    labels = models.CharField(
        max_length=500, blank=True, help_text="File or folder of labels, none or folders; empty: found by look"
    )
    has_labels = models.BooleanField(default=False, help_text="Its images carry labels")
    is_rendered = models.BooleanField(default=False, help_text="Drawn by a program, not photographed")
    n_images = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of names, sizes and tables")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the content of images and label maps")
    registered_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Image(models.Model):
    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="images")
    index = models.PositiveIntegerField(help_text="Zero-based place in the set")
    path = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file; empty if it was not recorded")
    quarantine_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["image_set", "index"]
        constraints = [models.UniqueConstraint(fields=["image_set", "index"], name="one_image_per_index")]

    def __str__(self) -> str:
        return self.path
