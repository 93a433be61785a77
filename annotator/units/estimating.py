"""What a dissection would take, told from an earlier one of the same network: before it is asked for."""

from collections.abc import Sequence

from annotator.units.models import Dissection, ImageSet, Network
from annotator.units.progress import read_survey
from workers.engine.plurals import say_count
from workers.needs import tell_bytes, tell_seconds
from workers.store import StoreError

UNKNOWN = (
    "No dissection of this network has ended yet, from which time and disk could be estimated. The survey, the first "
    "step, estimates both from the images themselves; the dissection's page shows them, and it can be canceled there."
)

# Stages whose time grows with the units, not with the images; and one that lies within another.
OF_UNITS, WITHIN = ("tiles",), ("measure",)


def estimate_dissection(*, network: Network, image_set: ImageSet, layer_paths: Sequence[str]) -> str:
    """In words, about how long it would take, and what it would leave on disk, in proportion to the images."""
    basis = _find_basis(network, layer_paths)
    if basis is None:
        return UNKNOWN
    if not image_set.n_images:
        return (
            f"The images of {image_set.name} are not counted yet. The survey counts them, and estimates time and disk."
        )
    share = image_set.n_images / basis.n_images
    seconds = sum(took * (1 if stage in OF_UNITS else share) for stage, took in _list_seconds(basis))
    images = say_count(image_set.n_images, "image")
    told = f"About {tell_seconds(seconds)} of computing{_tell_disk(basis, share)} for {images}"
    is_same = sorted(basis.layer_paths) == sorted(layer_paths)
    others = "" if is_same else f" Its layers were {', '.join(basis.layer_paths)}."
    return (
        f"{told}, in proportion to the dissection of {basis.created_at:%Y-%m-%d} on {basis.image_set.name} with "
        f"{say_count(basis.n_images, 'image')}.{others}"
    )


def _find_basis(network: Network, layer_paths: Sequence[str]) -> Dissection | None:
    """The newest dissection that measured the network itself, of the same layers if there is one."""
    done = Dissection.objects.filter(network=network, state=Dissection.State.DONE, is_baseline=False, n_images__gt=0)
    candidates = list(done.exclude(seconds_by_stage={}).select_related("image_set").order_by("-created_at", "pk")[:50])
    same = [one for one in candidates if sorted(one.layer_paths) == sorted(layer_paths)]
    return next(iter([*same, *candidates]), None)


def _list_seconds(basis: Dissection) -> list[tuple[str, float]]:
    return [(stage, float(took)) for stage, took in basis.seconds_by_stage.items() if stage not in WITHIN]


def _tell_disk(basis: Dissection, share: float) -> str:
    """Empty if its survey is not kept or of an earlier version."""
    try:
        needs = read_survey(basis)["memory"]
        # Shards grow with the images; crops and counts, which the merge leaves, with the units.
        stored = share * needs["measure"]["stored"] + needs["merge"]["stored"]
    except (StoreError, KeyError, ValueError):
        return ""
    return f" and {tell_bytes(stored)} of disk"
