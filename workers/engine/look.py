"""Look: what every unit of one layer does on one image, and where its cells lie on it.

The image is prepared as a dissection prepares it, so that peaks and thresholds can be compared (docs/looking.md).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.images.image_set import ImageSet
from workers.engine.networks.geometry import FIELD_CENTERS, HALF_PIXEL, MapGeometry, evenly_spread
from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.receptive_field import find_placings


@dataclass(frozen=True)
class Looked:
    """The layer's maps (K, h, w), where their cells lie on the square input, and by which rule."""

    maps: NDArray[np.float32]
    geometry: MapGeometry
    anchoring: str


def look(*, network: LoadedNetwork, image_set: ImageSet, index: int, layer: str, device: str) -> Looked:
    """Raises LayerError, ImageUnreadable."""
    preprocessing = network.preprocessing
    pixels = image_set.read_pixels(index, preprocessing=preprocessing)
    images = normalize(pixels=torch.tensor(pixels[None]).to(device), preprocessing=preprocessing)
    shapes = probe_layers(module=network.module, paths=[layer], input_px=preprocessing.input_px, device=device)
    found: list[NDArray[np.float32]] = []
    with reading(
        module=network.module,
        shapes=list(shapes.values()),
        consume=lambda _path, maps: found.append(maps[0].float().cpu().numpy().copy()),
    ) as run:
        run(images)
    geometry = find_placings(module=network.module, shapes=list(shapes.values()), input_px=preprocessing.input_px)[
        layer
    ].geometry
    anchoring = HALF_PIXEL if geometry is None else FIELD_CENTERS
    return Looked(found[0], geometry or _spread(shapes[layer], preprocessing.input_px), anchoring)


def _spread(shape: LayerShape, input_px: int) -> MapGeometry:
    return MapGeometry(
        rows=evenly_spread(n_cells=shape.height, input_px=input_px),
        columns=evenly_spread(n_cells=shape.width, input_px=input_px),
    )
