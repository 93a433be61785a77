"""Registers networks and image sets: a command names what a dissection may load and read, never a visitor."""

import os.path
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from annotator.names import check_name, claim_name
from annotator.refusals import Refusal
from annotator.units.code_folders import find_code_folder, holds_code
from annotator.units.models import IMPORTED, ImageSet, Network, NetworkAlias
from annotator.units.names import find_free_name, make_slug
from annotator.units.settling import same_preprocessing
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.passed_over import MAX_PATH_LENGTH, is_text, show_path
from workers.engine.images.readers.table import find_reader
from workers.engine.images.reading import FOLDER_NAMES, NO_LABELS
from workers.engine.networks.encoder_recipe import (
    ENCODER,
    JOINT,
    EncoderInvalid,
    EncoderRecipe,
    join_addresses,
    split_addresses,
)
from workers.engine.networks.saved import SAVED
from workers.engine.networks.source_names import NETWORK_FORMS, TRANSFORMERS, split_source
from workers.engine.networks.surgery_recipe import MAX_NAME_LENGTH, SURGERY, Recipe, RecipeInvalid
from workers.engine.networks.zoo import ZOO, ZooError, find_row


class CannotRegister(Refusal):
    """The network or image set cannot be used as given; the message says why."""


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


def look_for_code(architecture: str) -> str:
    """The folder of a function's code as it is found now; empty if none need be told. Raises CannotRegister."""
    folder = find_code_folder(architecture)
    _check_address(folder)
    return folder


def _note_folder(network: Network, folder: str, *, is_named: bool = False) -> Network:
    """A network whose code is known keeps its folder while that holds the module; a survey may find it elsewhere."""
    has_lost_it = is_named and not holds_code(network.code_folder, network.architecture)
    if folder and folder != network.code_folder and (not network.weights_sha256 or has_lost_it):
        network.code_folder = folder
        network.save(update_fields=["code_folder"])
    return network


def check_architecture(architecture: str, weights: str, preprocessing: dict[str, Any] | None) -> None:
    """Raises CannotRegister for a name of no form that is known or that is too long, and for options that the zoo does
    not take.
    """
    _check_text(architecture)
    if len(architecture) > MAX_NAME_LENGTH:
        raise CannotRegister(
            f"The network {architecture[:40]}... has more than {MAX_NAME_LENGTH} characters. Give its module a shorter "
            "name, or move its folder nearer to the root."
        )
    if architecture.startswith(ENCODER):
        _check_encoder(architecture, weights, preprocessing)
    if ":" not in architecture and architecture != SAVED:
        raise CannotRegister(f"{architecture!r} is none of {NETWORK_FORMS}.")
    if architecture.startswith(SURGERY):
        _check_recipe(architecture)
    if architecture.startswith(ZOO):
        _check_zoo(architecture, weights, preprocessing)


def _make_network(name: str, same: dict[str, Any], now: datetime) -> Network:
    with claim_name(name):
        return Network.objects.create(name=name, **same, registered_at=now)


def _check_text(address: str) -> None:
    if not is_text(address):
        raise CannotRegister(f"The path {show_path(address)} is not UTF-8. Rename it.")


def _check_address(address: str) -> None:
    """Raises CannotRegister for what the database cannot keep."""
    _check_text(address)
    if len(address) > MAX_PATH_LENGTH:
        raise CannotRegister(f"The path has more than {MAX_PATH_LENGTH} characters. Move it nearer to the root.")


def resolve_architecture(architecture: str) -> str:
    """A folder of transformers as its whole address, also if its network was cut; else the architecture as it is."""
    if architecture.startswith(SURGERY):
        return _resolve_recipe(architecture)
    if architecture.startswith(ENCODER):
        return _resolve_encoded(architecture)
    source, name = split_source(architecture)
    is_folder = source == TRANSFORMERS and name and os.path.isfile(f"{name}/config.json")
    return f"{source}:{Path(name).resolve()}" if is_folder else architecture


def _resolve_recipe(architecture: str) -> str:
    try:
        recipe = Recipe.parse(architecture)
        base = resolve_architecture(recipe.base)
        return architecture if base == recipe.base else replace(recipe, base=base).name
    except RecipeInvalid as invalid:
        raise CannotRegister(str(invalid)) from None


def _resolve_encoded(architecture: str) -> str:
    try:
        recipe = EncoderRecipe.parse(architecture)
        base = resolve_architecture(recipe.base)
        return architecture if base == recipe.base else replace(recipe, base=base).name
    except EncoderInvalid as invalid:
        raise CannotRegister(str(invalid)) from None


def resolve_weights(weights: str) -> str:
    """The whole address of a weights file, or of that and an encoder's; raises CannotRegister if there is none, or if
    it cannot be kept.
    """
    if JOINT in weights and not os.path.isfile(weights):
        return _resolve_joined(weights)
    address = weights if not weights or weights.startswith("s3://") else str(Path(weights).resolve())
    _check_address(address)
    # Unlike Path.is_file, it answers for a name that is too long for a disk.
    if address and not address.startswith("s3://") and not os.path.isfile(address):
        raise CannotRegister(f"There is no weights file at {weights}.")
    return address


def _resolve_joined(weights: str) -> str:
    try:
        address = join_addresses(*map(resolve_weights, split_addresses(weights)))
    except EncoderInvalid as invalid:
        raise CannotRegister(str(invalid)) from None
    _check_address(address)
    return address


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


def _check_zoo(architecture: str, weights: str, preprocessing: dict[str, object] | None) -> None:
    if weights or preprocessing:
        raise CannotRegister("A network of the zoo has its own weights and preprocessing.")
    try:
        find_row(architecture.removeprefix(ZOO))
    except ZooError as error:
        raise CannotRegister(str(error)) from None


def _check_recipe(architecture: str) -> None:
    try:
        Recipe.parse(architecture)
    except RecipeInvalid as invalid:
        raise CannotRegister(str(invalid)) from None


def _check_encoder(architecture: str, weights: str, preprocessing: dict[str, Any] | None) -> None:
    try:
        base, (own, _encoder) = EncoderRecipe.parse(architecture).base, split_addresses(weights)
    except EncoderInvalid as invalid:
        raise CannotRegister(str(invalid)) from None
    check_architecture(base, own, preprocessing)


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
    _check_address(address)
    _check_address(labels)
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


def find_folder(address: str, labels: str) -> tuple[str, bool]:
    """The whole address of a folder of images, and whether they carry labels; raises CannotRegister."""
    folder = Path(address).resolve()
    if not os.path.isdir(folder):
        raise CannotRegister(f"There is no folder of images at {address}.")
    try:
        return str(folder), find_reader(folder, labels).has_labels
    except ImageSetError as error:
        raise CannotRegister(str(error)) from None
    except PermissionError as error:
        raise CannotRegister(f"{error.filename} may not be read.") from None


def resolve_labels_at(address: str, labels: str) -> str:
    """The labels of the images at an address, as a request can keep them; raises CannotRegister."""
    if address.startswith("s3://"):
        _check_labels_within(labels)
        return labels
    return resolve_labels(labels)


def resolve_labels(labels: str) -> str:
    """The whole path of a file or folder of labels; raises CannotRegister if there is none."""
    if labels in ("", NO_LABELS, FOLDER_NAMES):
        return labels
    path = Path(labels).resolve()
    if not os.path.exists(path):
        raise CannotRegister(
            f"There is no file or folder of labels at {labels}. --labels takes a path, {FOLDER_NAMES} (the name of a "
            f"photograph's folder is its label) or {NO_LABELS}."
        )
    return str(path)


def _check_labels_within(labels: str) -> None:
    """Raises CannotRegister unless the labels of a set in a store lie in the set itself."""
    if labels.startswith(("/", "s3://")) or ".." in Path(labels).parts:
        raise CannotRegister("The labels of images in a store lie below the same prefix: give their path from there.")
