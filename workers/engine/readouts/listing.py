"""Finds the photographs that a file of questions, captions or targets names. docs/readouts.md, Which photograph."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from workers.engine.images.label_table import ImageSetError
from workers.engine.images.photographs import Photographs
from workers.engine.images.walking import list_images
from workers.engine.plurals import say_count
from workers.engine.readouts.options import ReadoutInvalid

IMAGE_COLUMNS = ("image", "image_id", "img")


def find_folder(file: Path, images: Path | None) -> Path:
    """The folder of photographs: the one that was named, `images` beside the file, or the file's own."""
    beside = file.parent / "images"
    return images or (beside if beside.is_dir() else file.parent)


class Listing:
    """The photographs of a folder, by their paths as an image set finds them, and by the number at a name's end."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ReadoutInvalid(f"There is no folder of photographs at {folder}; name it with --images.")
        self.folder = folder
        try:
            self._photographs = Photographs(folder, tuple(list_images(folder)[0]))
        except ImageSetError as error:
            raise ReadoutInvalid(str(error)) from None
        self._by_number = defaultdict[str, list[str]](list)
        for path in self._photographs.paths:
            # COCO_val2014_000000000042.jpg is asked for as 42.
            if number := re.search(r"\d+$", PurePosixPath(path).stem):
                self._by_number[number[0].lstrip("0")].append(path)

    def find(self, names: Iterable[str]) -> list[str]:
        """The path of each name's photograph. Raises ReadoutInvalid for names that fit none, and for one that fits
        several.
        """
        wanted = [name.strip() for name in names]
        try:
            found = self._photographs.find(wanted)
        except ImageSetError as error:
            raise ReadoutInvalid(str(error)) from None
        found |= {name: path for name in set(wanted) - set(found) if (path := self._find_numbered(name))}
        if missing := [repr(name[:80]) for name in dict.fromkeys(wanted) if name not in found]:
            raise ReadoutInvalid(
                f"{say_count(len(missing), 'photograph that is named is', 'photographs that are named are')} not in "
                f"{self.folder.name}: {', '.join(missing[:3])}; see --images."
            )
        return [found[name] for name in wanted]

    def _find_numbered(self, name: str) -> str | None:
        """Of a name that is a number. Raises ReadoutInvalid."""
        fitting = self._by_number.get(name.lstrip("0"), []) if name.isdecimal() else []
        if len(fitting) > 1:
            raise ReadoutInvalid(f"{name} may be {fitting[0]} or {fitting[1]}: give the path in full.")
        return fitting[0] if fitting else None
