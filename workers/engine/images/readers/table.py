"""The layouts of image sets that are read, the most particular first: one line for each."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers import (
    ade20k,
    broden,
    cityscapes,
    class_folders,
    coco,
    coco_stuff,
    csv_labels,
    folder,
    mask_folders,
    open_images,
    pascal,
)
from workers.engine.images.reading import FOLDER_NAMES, NO_LABELS, Asked, ImageSetReader
from workers.engine.images.walking import list_folders

# Folders of cameras, days or classes are many, and are not looked into.
MAX_FOLDERS = 20
PACKED = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".7z", ".rar")

READERS: list[ImageSetReader] = [
    broden.READER,
    class_folders.READER,
    cityscapes.READER,
    coco_stuff.READER,
    pascal.READER,
    coco.READER,
    open_images.READER,
    ade20k.READER,
    mask_folders.READER,
    csv_labels.READER,
    folder.READER,
]


def find_reader(root: Path, labels: str = "") -> ImageSetReader:
    """The first that recognizes the folder and what a person said of its labels (see Asked); raises ImageSetError."""
    return _find_reader(Asked(root, labels))


def _find_reader(asked: Asked) -> ImageSetReader:
    root, labels = asked.root, asked.labels
    if not root.is_dir():
        unpack = " Unpack it, and give the folder." if root.suffix.lower() in PACKED else ""
        raise ImageSetError(f"{root.name} is not a folder.{unpack}")
    if labels == NO_LABELS:
        return folder.READER
    if asked.label_path is not None and not asked.label_path.exists():
        inside = f", but at {root / labels}" if (root / labels).exists() else ""
        raise ImageSetError(f"There is no file or folder of labels at {labels}{inside}.")
    reader = next(reader for reader in READERS if reader.recognizes(asked))
    if asked.label_path is not None and not reader.has_labels:
        raise ImageSetError(
            f"{asked.label_path.name} is no labels that are read: --labels takes a .json (COCO), a .csv, a folder of "
            f"label maps, {FOLDER_NAMES} (a folder's name is the label) or {NO_LABELS}."
        )
    return reader


def open_image_set(root: Path, labels: str = "") -> ImageSet:
    """Raises ImageSetError."""
    asked = Asked(root, labels)
    reader = _find_reader(asked)
    layout = find_reader(root) if labels == NO_LABELS else reader
    image_set = folder.open_folder(asked, layout) if labels == NO_LABELS else reader.open(asked)
    if layout is not folder.READER:
        return image_set
    return replace(image_set, notes=(*image_set.notes, *_list_labeled_folders(asked)))


def _list_labeled_folders(asked: Asked) -> list[str]:
    """A sentence for each folder in root that is itself in a layout with labels; none for many folders. Where labels
    are not wanted, only those folders count whose label maps are read as photographs here.
    """
    root = asked.root
    folders = [one for one in list_folders(root) if not one.name.startswith(".")]
    said = []
    for inner in folders if len(folders) <= MAX_FOLDERS else []:
        with suppress(ImageSetError, OSError):
            found = find_reader(inner)
            if not found.has_labels:
                continue
            if asked.by_look:
                said.append(f"{inner.name} holds labels ({found.name}): to read them, give that folder.")
            elif folder.open_folder(Asked(inner, NO_LABELS), found).notes:
                said.append(
                    f"{inner.name} holds labels ({found.name}): label maps in it are read as photographs. To leave "
                    "them out, give that folder."
                )
    return said
