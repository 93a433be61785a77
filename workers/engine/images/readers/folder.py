"""A plain folder of images, at any depth, without labels; the photographs of a layout whose labels are not wanted."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.masks import MASK_SUFFIXES
from workers.engine.images.passed_over import show_path, sum_up
from workers.engine.images.readers.mask_folders import find_maps, tell_unpaired
from workers.engine.images.reading import Asked, ImageSetReader
from workers.engine.images.unread_labels import tell_unread
from workers.engine.images.walking import list_images
from workers.engine.plurals import say_count

LABEL_MAP = "named like the label map of a photograph"


def open_folder(asked: Asked, layout: ImageSetReader | None = None) -> ImageSet:
    """All files below the folder that are named like images and not like label maps of others, and that are photographs
    of the layout, if one is given; raises ImageSetError if there is none.
    """
    found, passed = list_images(asked.root)
    maps = find_maps(asked.root)
    list_photographs = layout and layout.list_photographs
    listed = list_photographs(asked.root, found) if list_photographs else found
    others = sorted({*found}.difference(listed, maps))
    paths = [path for path in listed if path not in maps]
    name = layout.name if layout else ""
    if not listed:
        raise ImageSetError(f"{asked.root.name} holds labels ({name}), but none of their photographs.")
    unread = tell_unread(asked.root, (path for _, path in passed)) if asked.by_look and layout is None else ()
    passed += [(LABEL_MAP, path) for path in maps]
    passed += [(f"no photograph of the layout {name}", path) for path in others]
    return ImageSet(
        root=asked.root,
        paths=tuple(paths),
        sha256=digest_files(map(asked.root.joinpath, paths), root=asked.root),
        passed_over=sum_up(passed),
        notes=(*_tell(asked, maps), *_tell_others(name, others), *tell_unpaired(asked), *unread),
    )


def _tell(asked: Asked, maps: Mapping[str, Path]) -> Iterator[str]:
    """What was taken for what."""
    if not maps:
        return
    first = min(maps)
    folder = "" if maps[first] == asked.root else f" in {maps[first].name}"
    yield (
        f"{say_count(len(maps), 'file')}{folder} named like label maps of the photographs, such as {show_path(first)}, "
        f"{'was' if len(maps) == 1 else 'were'} not taken for photographs. If they are, give their folder alone."
    )
    if asked.by_look:
        yield f"They are no labels either: JPEG changes the values of label maps, which are {', '.join(MASK_SUFFIXES)}."


def _tell_others(name: str, others: Sequence[str]) -> Iterator[str]:
    if others:
        counted = say_count(len(others), "image that is no photograph was", "images that are no photographs were")
        yield (
            f"{counted} passed over by the layout {name}, such as {show_path(others[0])}. If they are photographs, "
            "give their folder alone."
        )


READER = ImageSetReader(name="plain folder", recognizes=lambda asked: True, open=open_folder, has_labels=False)
