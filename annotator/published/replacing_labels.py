"""Writes automatic labels and names that a file brought: the last file that was imported counts."""

from collections.abc import Mapping

from django.db.models.functions import Now
from django.utils import timezone

from annotator.comparison.models import ImportedDescription
from annotator.descriptions.models import MAX_DESCRIPTION, Description
from annotator.published.describers.clip_dissect import DESCRIBER
from annotator.published.keeping_methods import keep_method
from annotator.published.readers.records import ImportedName, LabelFile
from annotator.units.models import AutomaticLabel, Layer

SCORE_NAME = "similarity"


def replace_labels(found: LabelFile, units: Mapping[int, int], *, source: str, layer: Layer) -> None:
    """`units`: index -> row id. The same file again leaves one copy; the last file is the one that is compared.

    Raises OtherScale.
    """
    AutomaticLabel.objects.filter(unit__layer=layer, source=source, mode=AutomaticLabel.Mode.IMPORTED).delete()
    AutomaticLabel.objects.bulk_create(
        [
            AutomaticLabel(
                unit_id=units[row.index], source=source, mode=AutomaticLabel.Mode.IMPORTED, category=row.category,
                label=row.label, iou=row.iou, is_best=row.is_best, truth=row.truth, area=row.area,
                intersection=row.intersection,
            )
            for row in found.labels
        ],
        batch_size=1000,
    )  # fmt: skip
    ImportedDescription.objects.filter(unit__layer=layer, source=source).delete()
    ImportedDescription.objects.bulk_create(
        [
            ImportedDescription(unit_id=units[row.index], source=source, name=row.name, similarity=row.similarity)
            for row in found.names
        ],
        batch_size=1000,
    )
    _replace_said(found.names, units, source)


def _replace_said(names: tuple[ImportedName, ...], units: Mapping[int, int], source: str) -> None:
    """CLIP-Dissect's names are what a method says, too: pages of methods and studies know them."""
    if not names:
        return
    method = keep_method(DESCRIBER.method, SCORE_NAME, timezone.now())
    Description.objects.filter(method=method, unit__in=[units[row.index] for row in names]).delete()
    Description.objects.bulk_create(
        [
            Description(
                unit_id=units[row.index], method=method, text=row.name[:MAX_DESCRIPTION], score=row.similarity,
                source=source, imported_at=Now(),
            )
            for row in names
        ],
        batch_size=1000,
    )  # fmt: skip
