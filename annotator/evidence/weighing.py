"""Keeps the importance of units beside their labels: each unit's value, and over which images it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotator.evidence.models import Question
from annotator.evidence.units_behind import find_network
from annotator.units.models import ImageSet, Layer, Network, Unit

BATCH = 500


@dataclass(frozen=True)
class Kept:
    """Of a layer that was asked for: its rows, one for each path that gives the same maps; none if nobody dissected
    it.
    """

    path: str
    layers: list[Layer]


def name_images(address: str, labels: str = "") -> str:
    """How pages name the image set at an address: by its newest version, if possible with these labels, else by its
    folder.
    """
    known = ImageSet.objects.filter(address=address).order_by("-id")
    found = known.filter(labels=labels).first() or known.first()
    return found.name if found is not None else address.rstrip("/").rpartition("/")[2]


def keep_importance(answer: Mapping[str, Any], *, question: Question, images: str) -> list[Kept]:
    """Writes an answer of the kind `importance` beside the units of the registered network that answered; what was
    measured before is replaced.
    """
    network = find_network(answer, question)
    return [Kept(found["layer"], _keep(network, found, images)) for found in answer["layers"]]


def _keep(network: Network | None, found: Mapping[str, Any], images: str) -> list[Layer]:
    if network is None:
        return []
    over = {"images": images, "n_images": found["n_images"], "by": found["by"]}
    paths = [found["layer"], *(found["head"]["same"] if found["head"] else [])]
    layers = list(Layer.objects.filter(network=network, path__in=paths, n_units=found["n_units"]))
    with transaction.atomic():
        for layer in layers:
            units = list(layer.units.only("id", "index"))
            for unit in units:
                unit.importance = found["importance"][unit.index]
            Unit.objects.bulk_update(units, ["importance"], batch_size=BATCH)
            layer.importance_over = over
            layer.save(update_fields=["importance_over"])
    return layers
