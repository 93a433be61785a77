"""Options of exemplars; their images and masks are files beside the layer's arrays."""

from dataclasses import dataclass

from workers.engine.measures.recorded import Recorded, option

NAMES = ("images.npy", "masks.npy", "units.npy")


@dataclass(frozen=True)
class ExemplarOptions:
    """`exemplars` above 0: keep that many of each unit's top images with their masks."""

    exemplars: int = option(
        0,
        "keep each unit's N top images and masks in MILAN's format (15 if no number is given)",
        low=0, high=1000, bare=15,
    )  # fmt: skip


RECORDED = Recorded(name="exemplars", options=ExemplarOptions)


def exemplar_name(layer: int, name: str) -> str:
    """Where one of NAMES lies for the manifest's layer, zero-based."""
    return f"exemplars/layer-{layer}/{name}"
