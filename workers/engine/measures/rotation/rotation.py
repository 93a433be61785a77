"""Rotate the basis of a layer's units, all the way or in part, to ask whether single units are special.

[BZKOT17] 3.2: Q is a rotation drawn uniformly (QR of a normal matrix), and Q^a, for a from 0 to 1, moves from
the layer's own basis to Q.
"""

import numpy as np
import torch
from numpy.typing import NDArray


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
