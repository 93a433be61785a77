"""Which labels each image of a set carries, read from its label maps."""

import numpy as np
from numpy.typing import NDArray

from annotator.refusals import Refusal
from annotator.studies.concept_models import NamedColumns
from annotator.units.models import ImageSet
from workers import config
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.reading import place_labels
from workers.fetching import fetch_folder
from workers.store import StoreError


class LabelsGone(Refusal):
    """The labels of an image set cannot be read."""


def read_presence(image_set: ImageSet) -> NamedColumns:
    """(n_images, n_labels) whether an image has pixels of a label. Raises LabelsGone."""
    try:
        folder = fetch_folder(image_set.address, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
        opened = open_image_set(folder, place_labels(folder, image_set.labels))
    except (ImageSetError, OSError, StoreError) as error:
        raise LabelsGone(f"The labels of {image_set} cannot be read here. {error}") from None
    if opened.labels is None:
        raise LabelsGone(f"The image set {image_set} has no labels: name another source of concepts.")
    numbers = {label.number: column for column, label in enumerate(opened.labels.labels)}
    present = np.zeros((len(opened.paths), len(numbers)), dtype=bool)
    for index in range(len(opened.paths)):
        try:
            found: NDArray[np.uint16] = np.unique(opened.read_labels(index).run_label)
        except LabelMapUnreadable:
            continue
        present[index, [numbers[int(number)] for number in found if int(number) in numbers]] = True
    return NamedColumns(present, [label.name for label in opened.labels.labels])
