"""Registers networks and image sets: a command names what a dissection may load and read, never a visitor."""

import re
from datetime import datetime
from pathlib import Path

from annotator.refusals import Refusal
from annotator.units.models import ImageSet, Network
from workers.engine.images.readers.table import find_reader
from workers.engine.networks.saved import SAVED
from workers.engine.networks.zoo import ZOO, ZooError, find_row


class CannotRegister(Refusal):
    """The network or image set cannot be used as given; the message says why."""


def register_network(
    *, name: str | None, architecture: str, weights: str, preprocessing: dict[str, object] | None, now: datetime
) -> Network:
    """The network of this architecture, weights and preprocessing; made under `name` or one derived from them.

    Saved activations stand for a network too: their architecture is SAVED, their weights the file.
    """
    if ":" not in architecture and architecture != SAVED:
        raise CannotRegister(
            f"{architecture!r} is neither torchvision:NAME, unitscope:NAME, zoo:NAME nor package.module:function."
        )
    if architecture.startswith(ZOO):
        _check_zoo(architecture, weights, preprocessing)
    if weights and not weights.startswith("s3://"):
        file = Path(weights).resolve()
        if not file.is_file():
            raise CannotRegister(f"There is no weights file at {weights}.")
        weights = str(file)
    same = {"architecture": architecture, "weights": weights, "preprocessing": preprocessing}
    if name is None and (found := Network.objects.filter(**same).order_by("id").first()):
        return found
    wanted = name or _free_name(Network, _slug(architecture.rpartition(":")[2]))
    network, _ = Network.objects.get_or_create(name=wanted, defaults={**same, "registered_at": now})
    if any(getattr(network, field) != value for field, value in same.items()):
        raise CannotRegister(
            f"The name {wanted!r} stands for another network ({network.architecture}); choose another."
        )
    return network


def _check_zoo(architecture: str, weights: str, preprocessing: dict[str, object] | None) -> None:
    if weights or preprocessing:
        raise CannotRegister("A network of the zoo has its own weights and preprocessing.")
    try:
        find_row(architecture.removeprefix(ZOO))
    except ZooError as error:
        raise CannotRegister(str(error)) from None


def register_image_set(*, name: str | None, address: str, is_rendered: bool, now: datetime) -> ImageSet:
    """The image set at this address; made under `name` or one derived from it."""
    has_labels = True
    if not address.startswith("s3://"):
        folder = Path(address).resolve()
        if not folder.is_dir():
            raise CannotRegister(f"There is no folder of images at {address}.")
        address, has_labels = str(folder), find_reader(folder).has_labels
    if name is None and (found := ImageSet.objects.filter(address=address).order_by("id").first()):
        return found
    wanted = name or _free_name(ImageSet, _slug(address.rstrip("/").rpartition("/")[2]))
    image_set, _ = ImageSet.objects.get_or_create(
        name=wanted,
        defaults={"address": address, "has_labels": has_labels, "is_rendered": is_rendered, "registered_at": now},
    )
    if image_set.address != address:
        raise CannotRegister(f"The name {wanted!r} stands for the images at {image_set.address}; choose another.")
    return image_set


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60] or "unnamed"


def _free_name(kind: type[Network] | type[ImageSet], stem: str) -> str:
    taken = set(kind.objects.filter(name__startswith=stem).values_list("name", flat=True))
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if name not in taken)
