"""Options of exemplars; their images and masks are files beside the layer's arrays."""

from dataclasses import dataclass

from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import Recorded, option
from workers.engine.measures.top_images.arrays import TopImagesOptions
from workers.engine.plurals import say_count

NAMES = ("images.npy", "masks.npy", "units.npy")


@dataclass(frozen=True)
class ExemplarOptions:
    """`exemplars` above 0: keep that many of each unit's top images with their masks."""

    exemplars: int = option(
        0,
        "keep each unit's N top images and masks in MILAN's format (15 if no number is given)",
        low=0, high=1000, bare=15,
    )  # fmt: skip


def check(options: DissectionOptions) -> str:
    n, n_top = options.of(ExemplarOptions).exemplars, options.of(TopImagesOptions).n_top
    return (
        f"exemplars is {n}, but only n_top = {say_count(n_top, 'top image is', 'top images are')} kept."
        if n > n_top
        else ""
    )


def exemplar_name(layer: int, name: str) -> str:
    """Where one of NAMES lies for the manifest's layer, zero-based."""
    return f"exemplars/layer-{layer}/{name}"


RECORDED = Recorded(
    name="exemplars",
    options=ExemplarOptions,
    check=check,
    files=lambda place: tuple(exemplar_name(place, name) for name in NAMES),
)
