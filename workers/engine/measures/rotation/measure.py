"""Rotation: the other measures see the layer in a turned basis (docs/measures.md, Rotation)."""

from functools import partial

import torch

from workers.engine.measures.measure import Measure, Run, Turn
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.rotation.arrays import RECORDED, RotationOptions
from workers.engine.measures.rotation.rotation import fractional_power, random_rotation, rotate_units
from workers.engine.networks.hooks import LayerShape


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
