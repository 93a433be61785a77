"""What a command names (a network, weights, images, labels) is checked and spelled whole before it is registered."""

import os.path
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from annotator.refusals import Refusal
from annotator.units.code_folders import find_code_folder
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


@contextmanager
def _refused() -> Iterator[None]:
    """Raises CannotRegister for what the engine cannot read so."""
    try:
        yield
    except (EncoderInvalid, ImageSetError, RecipeInvalid, ZooError) as error:
        raise CannotRegister(str(error)) from None
    except PermissionError as error:
        raise CannotRegister(f"{error.filename} may not be read.") from None


def look_for_code(architecture: str) -> str:
    """The folder of a function's code as it is found now; empty if none need be told. Raises CannotRegister."""
    folder = find_code_folder(architecture)
    check_address(folder)
    return folder


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
    with _refused():
        if architecture.startswith(ENCODER):
            base, (own, _encoder) = EncoderRecipe.parse(architecture).base, split_addresses(weights)
            check_architecture(base, own, preprocessing)
        if ":" not in architecture and architecture != SAVED:
            raise CannotRegister(f"{architecture!r} is none of {NETWORK_FORMS}.")
        if architecture.startswith(SURGERY):
            Recipe.parse(architecture)
        if architecture.startswith(ZOO):
            if weights or preprocessing:
                raise CannotRegister("A network of the zoo has its own weights and preprocessing.")
            find_row(architecture.removeprefix(ZOO))


def resolve_architecture(architecture: str) -> str:
    """A folder of transformers as its whole address, also if its network was cut; else the architecture as it is."""
    if architecture.startswith((SURGERY, ENCODER)):
        with _refused():
            recipe = (Recipe if architecture.startswith(SURGERY) else EncoderRecipe).parse(architecture)
            base = resolve_architecture(recipe.base)
            return architecture if base == recipe.base else replace(recipe, base=base).name
    source, name = split_source(architecture)
    is_folder = source == TRANSFORMERS and name and os.path.isfile(f"{name}/config.json")
    return f"{source}:{Path(name).resolve()}" if is_folder else architecture


def resolve_weights(weights: str) -> str:
    """The whole address of a weights file, or of that and an encoder's; raises CannotRegister if there is none, or if
    it cannot be kept.
    """
    if JOINT in weights and not os.path.isfile(weights):
        with _refused():
            address = join_addresses(*map(resolve_weights, split_addresses(weights)))
        check_address(address)
        return address
    address = weights if not weights or weights.startswith("s3://") else str(Path(weights).resolve())
    check_address(address)
    # Unlike Path.is_file, it answers for a name that is too long for a disk.
    if address and not address.startswith("s3://") and not os.path.isfile(address):
        raise CannotRegister(f"There is no weights file at {weights}.")
    return address


def find_folder(address: str, labels: str) -> tuple[str, bool]:
    """The whole address of a folder of images, and whether they carry labels; raises CannotRegister."""
    folder = Path(address).resolve()
    if not os.path.isdir(folder):
        raise CannotRegister(f"There is no folder of images at {address}.")
    with _refused():
        return str(folder), find_reader(folder, labels).has_labels


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


def check_address(address: str) -> None:
    """Raises CannotRegister for what the database cannot keep."""
    _check_text(address)
    if len(address) > MAX_PATH_LENGTH:
        raise CannotRegister(f"The path has more than {MAX_PATH_LENGTH} characters. Move it nearer to the root.")


def _check_text(address: str) -> None:
    if not is_text(address):
        raise CannotRegister(f"The path {show_path(address)} is not UTF-8. Rename it.")
