"""Saved activations in place of a module: latents of a sparse autoencoder, or tokens of a transformer
reshaped to a grid.

The array holds image x unit x row x column (or image x unit x cell, the cells a square grid), images in the
order of the image set. It is read from disk batch by batch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.networks.hooks import LayerShape
from workers.engine.networks.identity import SAVED_VALUES
from workers.engine.networks.loading import LoadedNetwork, file_sha256
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.saved import SAVED


class SavedActivationsInvalid(Exception):
    """The array cannot be dissected; the message says why."""


@dataclass(frozen=True, kw_only=True)
class SavedNetwork(LoadedNetwork):
    """(N, U, h, w) activations on disk under a name that stands for the only layer; the module does nothing."""

    name: str
    maps: NDArray[Any]

    @property
    def shape(self) -> LayerShape:
        return LayerShape(self.name, self.maps.shape[1], self.maps.shape[2], self.maps.shape[3])

    def read(self, images: list[int], *, device: torch.device) -> torch.Tensor:
        """(B, U, h, w) maps of some images, in float32."""
        return torch.from_numpy(np.asarray(self.maps[images], dtype=np.float32)).to(device)


def open_saved(path: Path, *, input_px: int = 224) -> SavedNetwork:
    """Open a .npy; raises SavedActivationsInvalid. `input_px` is the size at which crops are cut."""
    try:
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise SavedActivationsInvalid(f"{path.name}: there is no such file.") from None
    except (ValueError, OSError, EOFError) as error:
        raise SavedActivationsInvalid(f"{path.name} cannot be read as an array: {error}.") from None
    if maps.ndim == 3:
        side = round(maps.shape[2] ** 0.5)
        if side * side != maps.shape[2]:
            raise SavedActivationsInvalid(f"{path.name} has {maps.shape[2]} cells an image, which make no square grid.")
        maps = maps.reshape(*maps.shape[:2], side, side)
    if maps.ndim != 4 or maps.dtype.kind != "f" or 0 in maps.shape:
        raise SavedActivationsInvalid(
            f"{path.name} is {maps.dtype} {maps.shape}, not numbers of image x unit x row x column."
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
