"""Registers networks and image sets: a command names what a dissection may load and read, never a visitor."""

from datetime import datetime
from typing import Any

from annotator.names import check_name, claim_name
from annotator.units.code_folders import holds_code
from annotator.units.models import IMPORTED, ImageSet, Network, NetworkAlias
from annotator.units.names import find_free_name, make_slug
from annotator.units.settling import same_preprocessing
from annotator.units.sources import (
    CannotRegister,
    check_address,
    check_architecture,
    find_folder,
    look_for_code,
    resolve_architecture,
    resolve_labels_at,
    resolve_weights,
)


def register_network(
    *,
    name: str | None,
    architecture: str,
    weights: str,
    preprocessing: dict[str, object] | None,
    now: datetime,
    code_folder: str | None = None,
) -> Network:
    """The network of this architecture, weights and preprocessing; made under `name` or one derived from them.

    Saved activations stand for a network too: their architecture is SAVED, their weights the file. The `code_folder`
    is found by look unless it is given; the same module in another folder is another network until its code is known.
    """
    architecture = resolve_architecture(architecture)
    check_architecture(architecture, weights, preprocessing)
    weights = resolve_weights(weights)
    folder = look_for_code(architecture) if code_folder is None else code_folder
    same = {"architecture": architecture, "weights": weights, "preprocessing": preprocessing}
    if name is None:
        known = _find_network(same, folder)
        if known is not None:
            return _note_folder(known, folder)
        free = find_free_name(Network, make_slug(architecture.rpartition(":")[2]))
        return _make_network(free, same | {"code_folder": folder}, now)
    network = find_registered(name)
    if network is None:
        check_name(name)
        return _make_network(name, same | {"code_folder": folder}, now)
    if not _stands_for(network, same):
        raise CannotRegister(f"The name {name!r} stands for another network ({network.architecture}); choose another.")
    return _note_folder(network, folder, is_named=True)


def _note_folder(network: Network, folder: str, *, is_named: bool = False) -> Network:
    """A network whose code is known keeps its folder while that holds the module; a survey may find it elsewhere."""
    has_lost_it = is_named and not holds_code(network.code_folder, network.architecture)
    if folder and folder != network.code_folder and (not network.weights_sha256 or has_lost_it):
        network.code_folder = folder
        network.save(update_fields=["code_folder"])
    return network


def _make_network(name: str, same: dict[str, Any], now: datetime) -> Network:
    with claim_name(name):
        return Network.objects.create(name=name, **same, registered_at=now)


def _find_network(same: dict[str, Any], folder: str) -> Network | None:
    """The first network registered so; else the last one whose tensors a dissection found at this address. Of a
    function, in the same folder, or one that was registered before folders were kept.
    """
    alike = Network.objects.filter(same_preprocessing(same["preprocessing"]), architecture=same["architecture"])
    in_place = {"code_folder__in": ["", folder]} if folder else {}
    read_in_place = {"dissections__code_folder": folder} if folder else {}
    registered = alike.filter(weights=same["weights"], **in_place).order_by("-code_folder", "id")
    read_there = alike.filter(dissections__weights=same["weights"], **read_in_place)
    return registered.first() or read_there.order_by("-dissections__created_at").first()


def _stands_for(network: Network, same: dict[str, Any]) -> bool:
    was_read = network.dissections.filter(weights=same["weights"]).exists()
    stated = (network.architecture, network.preprocessing) == (same["architecture"], same["preprocessing"])
    return stated and (network.weights == same["weights"] or was_read)


def find_registered(name: str) -> Network | None:
    """The network that goes by that name, or went by it."""
    alias = NetworkAlias.objects.filter(name=name).select_related("network").first()
    return alias.network if alias else Network.objects.filter(name=name).first()


def fill_registered(options: dict[str, Any]) -> dict[str, Any]:
    """A command's options with architecture, weights, preprocessing and code folder of the registered network that
    `network` names; if it names none, with the folder where its code is found. Raises CannotRegister.
    """
    # A network may be named like the word for saved activations.
    registered = None if options.get("activations") else find_registered(options["network"])
    if registered is None:
        return {**options, "code_folder": look_for_code(options["network"])}
    if registered.architecture.startswith(IMPORTED):
        raise CannotRegister(f"{registered.name} came with a file and cannot be loaded here.")
    if options["weights"] or options["preprocessing"]:
        raise CannotRegister(f"{registered.name} is registered with its weights and preprocessing; leave them out.")
    folder = registered.code_folder or look_for_code(registered.architecture)
    stated = {"weights": registered.weights, "preprocessing": registered.preprocessing, "code_folder": folder}
    return {**options, "network": registered.architecture, **stated}


def register_image_set(
    *, name: str | None, address: str, labels: str = "", is_rendered: bool, now: datetime
) -> ImageSet:
    """The image set at this address with these labels (a path, `none`, `folders`, or empty: found by look); made under
    `name` or one derived from the address.
    """
    has_labels, labels = True, resolve_labels_at(address, labels)
    if not address.startswith("s3://"):
        address, has_labels = find_folder(address, labels)
    check_address(address)
    check_address(labels)
    same = {"address": address, "labels": labels}
    if name is None and (found := ImageSet.objects.filter(**same).order_by("id").first()):
        return found
    wanted = name or find_free_name(ImageSet, make_slug(address.rstrip("/").rpartition("/")[2]))
    if not ImageSet.objects.filter(name=wanted).exists():
        check_name(wanted)
    image_set, _ = ImageSet.objects.get_or_create(
        name=wanted,
        defaults={**same, "has_labels": has_labels, "is_rendered": is_rendered, "registered_at": now},
    )
    if (image_set.address, image_set.labels) != (address, labels):
        others = f" with --labels {image_set.labels}" if image_set.labels != labels and image_set.labels else ""
        raise CannotRegister(
            f"The name {wanted!r} stands for the images at {image_set.address}{others}; choose another."
        )
    return image_set
