"""How active units are on each image of a set: as a dissection kept it, or from a file."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.studies.plan import BadPlan
from annotator.units.models import Dissection
from workers.engine.measures.activation_vectors.arrays import IMAGES, MAXIMA, MEANS, vector_name
from workers.store import open_store

# By the name of what makes one number of a unit's map on an image.
POOLED = {"maximum": MAXIMA, "mean": MEANS}


def read_kept(dissection: Dissection, layer: str, *, pooled: str) -> NDArray[np.float16]:
    """(n_images, n_units) what `dissect --activation-vectors` kept; rows of images that it could not read are NaN.

    Raises BadPlan, StoreError.
    """
    store, place = open_store(dissection.artifact), dissection.layer_paths.index(layer)
    # The last file that the measure writes.
    if not store.exists(vector_name(place, MEANS)):
        raise BadPlan(
            f"The dissection kept no activation vectors of {layer}: give --activations {layer}=FILE.npy, or dissect "
            "again with --activation-vectors."
        )
    images, values = (
        np.load(io.BytesIO(store.read(vector_name(place, name))), allow_pickle=False)
        for name in (IMAGES, POOLED[pooled])
    )
    found = np.full((dissection.image_set.images.count(), values.shape[1]), np.nan, dtype=np.float16)
    found[images] = values
    return found


def read_array(path: Path) -> NDArray[Any]:
    """A .npy file of numbers. Raises BadPlan."""
    try:
        found = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise BadPlan(f"{path} is not a .npy file of numbers: {error}.") from None
    if not (isinstance(found, np.ndarray) and np.issubdtype(found.dtype, np.floating)):
        raise BadPlan(f"{path} is not a .npy file of floating-point numbers.")
    return found
