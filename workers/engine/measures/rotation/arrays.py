"""Options of the rotation; it leaves no arrays of its own."""

from dataclasses import dataclass

from workers.engine.measures.recorded import Recorded, option


@dataclass(frozen=True)
class RotationOptions:
    """`rotation` is the power of a random rotation, drawn by rotation_seed, by which every layer's basis is turned."""

    rotation: float = option(
        0.0,
        "turn the layers' bases by Q^A for each A from 0 to 1, Q a random rotation; counts unique detectors",
        low=0, high=1, makes_several=True,
    )  # fmt: skip
    rotation_seed: int = option(0, "seed that draws Q", low=0, high=2**63 - 1)


RECORDED = Recorded(name="rotation", options=RotationOptions)
