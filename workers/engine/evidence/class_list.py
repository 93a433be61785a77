"""A list of photographs with their classes: a CSV with the columns image and class_index. Other columns are passed
over, and a photograph may stand in several rows, as in a file of boxes.
"""

from pathlib import Path

from workers.engine.evidence.box_files.boxed_images import BoxesInvalid, parse_class, parse_path, read_table

COLUMNS = ("image", "class_index")


def read_classes(path: Path) -> dict[str, int]:
    """Class index by path below the folder of images, sorted by path. Raises BoxesInvalid."""
    found: dict[str, int] = {}
    try:
        for row, where in read_table(path, COLUMNS):
            image = parse_path(row["image"] or "", where)
            class_index = parse_class(row["class_index"] or "", where)
            if found.setdefault(image, class_index) != class_index:
                raise BoxesInvalid(f"{where}: {image} has another class than before.")
    except OSError as error:
        raise BoxesInvalid(f"{path} cannot be read: {error.strerror}.") from None
    if not found:
        raise BoxesInvalid(f"{path.name} names no photographs.")
    return dict(sorted(found.items()))
