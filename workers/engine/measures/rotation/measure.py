"""Rotation: the other measures see the layer in a turned basis, to ask whether single units are special.

[BZKOT17] 3.2, docs/measures.md, Rotation: Q is a rotation drawn uniformly (QR of a normal matrix), and Q^a, for a from
0 to 1, moves from the layer's own basis to Q.
"""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.measures.measure import Measure, Run, Turn
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.rotation.arrays import RECORDED, RotationOptions
from workers.engine.networks.layer_maps import LayerShape


class Rotation(Measure[None, None]):
    recorded = RECORDED

    def is_asked(self, options: DissectionOptions) -> bool:
        return options.of(RotationOptions).rotation > 0

    def turn(self, shape: LayerShape, run: Run) -> Turn:
        asked = run.options.of(RotationOptions)
        whole = random_rotation(n_units=shape.n_units, seed=asked.rotation_seed)
        turned = fractional_power(rotation=whole, power=asked.rotation)
        matrix = torch.from_numpy(turned).to(device=run.device, dtype=torch.float32)
        return partial(rotate_units, rotation=matrix)


MEASURE = Rotation()


def random_rotation(*, n_units: int, seed: int) -> NDArray[np.float64]:
    """(U, U) orthogonal matrix of determinant 1, uniform over rotations."""
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal((n_units, n_units))
    q, r = np.linalg.qr(normal)
    # QR leaves signs to the implementation; with r's diagonal positive the draw is uniform.
    q = q * np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] = -q[:, 0]
    return np.asarray(q)


def fractional_power(*, rotation: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Q^power: every plane of Q turned by that part of its angle (between -pi and pi)."""
    values, vectors = np.linalg.eig(rotation)
    turned = (vectors * np.exp(1j * power * np.angle(values))) @ np.linalg.inv(vectors)
    return np.asarray(turned.real)


def rotate_units(maps: torch.Tensor, *, rotation: torch.Tensor) -> torch.Tensor:
    """(B, U, h, w) maps in the rotated basis: new unit u is the sum over v of rotation[u, v] x unit v."""
    return torch.einsum("uv,bvhw->buhw", rotation, maps)
