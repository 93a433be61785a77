"""Class folders: a photograph's label is the name of the folder that it lies in, and holds for the whole photograph.

Read if a person asks for it (--labels folders): folders are often dates or cameras. Folders named like a split (train,
val, test) are looked through.
"""

from pathlib import PurePosixPath

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.passed_over import sum_up
from workers.engine.images.reading import (
    FOLDER_NAMES,
    WHOLE_SIZE,
    Asked,
    Drawn,
    ImageSetReader,
    LabelSource,
    build_image_set,
    make_labels,
    number_names,
)
from workers.engine.images.walking import list_images

SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")


def recognizes(asked: Asked) -> bool:
    return asked.labels == FOLDER_NAMES


def open_class_folders(asked: Asked) -> ImageSet:
    """The images that lie in a class folder; raises ImageSetError if there is none."""
    found, passed = list_images(asked.root)
    class_of = {path: find_class(path) for path in found}
    paths = [path for path in found if class_of[path]]
    if not paths:
        raise ImageSetError(f"{asked.root.name} holds no folders of images, whose names could be labels.")
    numbers = number_names(class_of[path] for path in paths)
    passed += [("lies in no class folder", path) for path in found if not class_of[path]]
    return build_image_set(
        root=asked.root,
        paths=paths,
        labels=make_labels({number: name for name, number in numbers.items()}),
        source=LabelSource(
            root=asked.root,
            draw=lambda index: Drawn(*WHOLE_SIZE, [numbers[class_of[paths[index]]]]),
            size=lambda index: None,
        ),
        passed_over=sum_up(passed),
    )


def find_class(path: str) -> str:
    """The class of an image by its path; empty if it lies in none."""
    folders = PurePosixPath(path).parts[:-1]
    inner = folders[1:] if folders and folders[0].lower() in SPLITS else folders
    return inner[0] if inner else ""


READER = ImageSetReader(name="class folders", recognizes=recognizes, open=open_class_folders)
