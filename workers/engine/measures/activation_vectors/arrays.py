"""Options of activation vectors; the vectors are files beside the layer's arrays, each a .npy that can be mapped."""

from dataclasses import dataclass

from workers.engine.measures.recorded import Recorded, option

# The images' indices (n,) int32 in the artifact's list of paths, and (n, U) float16 each.
IMAGES, MAXIMA, MEANS = "images.npy", "maxima.npy", "means.npy"
NAMES = (IMAGES, MAXIMA, MEANS)
# The largest number that float16 holds; what lies beyond is kept as this.
LARGEST = 65504.0


@dataclass(frozen=True)
class ActivationVectorsOptions:
    activation_vectors: bool = option(
        False, "keep each unit's maximum and mean over every image, in half precision", title="Activation vectors"
    )


def vector_name(layer: int, name: str) -> str:
    """Where one of NAMES lies for the manifest's layer, zero-based."""
    return f"vectors/layer-{layer}/{name}"


RECORDED = Recorded(
    name="activation_vectors",
    options=ActivationVectorsOptions,
    files=lambda place: tuple(vector_name(place, name) for name in NAMES),
)
