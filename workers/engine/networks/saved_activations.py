"""Saved activations in place of a module: latents of a sparse autoencoder, or tokens of a transformer
reshaped to a grid.

The array holds image x unit x row x column, image x unit x cell, or these with the units last (tokens), or image x
unit; cells make a square grid, and images lie in the order of the image set. It is read from disk batch by batch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.networks.identity import SAVED_VALUES
from workers.engine.networks.layer_maps import LayerShape, as_maps
from workers.engine.networks.loading import LoadedNetwork, file_sha256
from workers.engine.networks.map_axes import Asked, read_saved_axes
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.saved import SAVED

# How files of numpy begin, and archives of several.
NPY, ARCHIVE = b"\x93NUMPY", b"PK"


class SavedActivationsInvalid(Exception):
    """The array cannot be dissected; the message says why."""


@dataclass(frozen=True, kw_only=True)
class SavedNetwork(LoadedNetwork):
    """Activations on disk, images first, under a name that stands for the only layer; the module does nothing."""

    name: str
    maps: NDArray[Any]

    def find_shape(self, asked: Asked) -> LayerShape:
        """How the array is read; raises LayerShapeUnknown."""
        return read_saved_axes(path=self.name, sizes=self.maps.shape, asked=asked)

    def read(self, images: list[int], shape: LayerShape, *, device: torch.device) -> torch.Tensor:
        """(B, U, h, w) maps of some images, in float32; infinite where float32 cannot hold a value."""
        part = self.maps[images]
        with np.errstate(over="ignore"):
            values = torch.from_numpy(part.astype(np.float32)).to(device)
        return as_maps(shape=shape, output=values)


def open_saved(path: Path, *, input_px: int = 224) -> SavedNetwork:
    """Open a .npy; raises SavedActivationsInvalid. `input_px` is the size at which crops are cut."""
    try:
        with path.open("rb") as file:
            start = file.read(len(NPY))
        if not start.startswith((NPY, ARCHIVE)):
            raise SavedActivationsInvalid(f"{path.name} is no array of numpy: write it with numpy.save(FILE, values).")
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise SavedActivationsInvalid(f"{path.name}: there is no such file.") from None
    except (ValueError, OSError, EOFError) as error:
        raise SavedActivationsInvalid(f"{path.name} cannot be read as an array: {str(error).rstrip('.')}.") from None
    if not isinstance(maps, np.ndarray):
        raise SavedActivationsInvalid(f"{path.name} is an archive of arrays: save the one array as .npy.")
    if not 2 <= maps.ndim <= 4 or maps.dtype.kind != "f" or 0 in maps.shape:
        raise SavedActivationsInvalid(
            f"{path.name} is {maps.dtype} {maps.shape}, not decimal numbers of image x unit x row x column, image x "
            "unit x cell, image x token x unit or image x unit."
        )
    return SavedNetwork(
        architecture=SAVED,
        module=nn.Identity(),
        preprocessing=Preprocessing(input_px=input_px),
        weights_sha256=file_sha256(path),
        weights_from=SAVED_VALUES,
        name=path.stem,
        maps=maps,
    )
