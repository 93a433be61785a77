"""The newest dissections with their progress."""

from typing import Any

from annotator.units.dissecting import UNFINISHED
from annotator.units.models import Dissection
from annotator.units.progress import read_dissection_progress, read_survey
from workers.needs import tell_needs
from workers.store import StoreError


def list_dissections(n_newest: int) -> list[dict[str, Any]]:
    """The newest dissections, those that run with their progress: two queries."""
    newest = (
        Dissection.objects.filter(is_baseline=False)
        .select_related("network", "image_set")
        .prefetch_related("gpu_tasks")
        .defer("labels", "environment")[:n_newest]
    )
    return [describe_dissection(one) for one in newest]


def tell_dissection_needs(one: Dissection) -> str:
    """What its survey estimates; empty until the survey has ended, and after the dissection has."""
    if one.state not in UNFINISHED or not one.n_images:
        return ""
    try:
        return tell_needs(read_survey(one))
    except (StoreError, KeyError, ValueError):
        return ""


def describe_dissection(one: Dissection) -> dict[str, Any]:
    """Its row and, until it has ended, its progress."""
    is_running = one.state in UNFINISHED
    return {"dissection": one, "progress": read_dissection_progress(one) if is_running else None}
