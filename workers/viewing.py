"""Answers what one unit and one class look at in a photograph of an image set; the pictures lie in a file beside it."""

from typing import Any

from workers import contract
from workers.engine.evidence.saliency import scale_to_bytes
from workers.engine.explain import Frame, QuestionInvalid
from workers.engine.format.artifact import pack_arrays
from workers.engine.images.decoding import read_size
from workers.engine.networks.class_names import name_classes
from workers.engine.view import SEED, view
from workers.job import find_device, write_patiently
from workers.opened import open_photograph
from workers.parts import Asked


def view_photograph(asked: Asked) -> dict[str, Any]:
    """`class_index` and its `label`, the size of the `photograph`, the part that was `seen`, and by subject and method
    the correlation with the randomized twin. Raises LayerError, ImageUnreadable, QuestionInvalid, NetworkError.
    """
    options = asked.request.options
    address, name, labels = (str(options.get(one, "")) for one in contract.PHOTOGRAPH_OPTIONS)
    images = open_photograph(address, labels, name)
    if name not in images.paths:
        raise QuestionInvalid(f"The photograph {name} is not in the image set any more")
    asked.reporter.begin("drawing views of the network and of its randomized twin", n_total=0)
    found = view(
        network=asked.network,
        image_set=images,
        index=images.paths.index(name),
        layer=options["layer"],
        unit=options["unit"],
        device=find_device(),
    )
    pictures = {
        f"{subject}-{method}-{whose}": scale_to_bytes(picture)
        for (subject, method), pair in found.pictures.items()
        for whose, picture in zip(contract.WHOSE, pair, strict=True)
    }
    write_patiently(asked.target, asked.reporter, contract.VIEWS, pack_arrays(pictures))
    # A page shows the smaller one; the network has seen the file of the set.
    asked.target.remove(contract.CLEAN_PHOTOGRAPH)
    resize = "warp" if images.labels is not None else asked.network.preprocessing.resize
    frame = Frame.of(**read_size(images.root / name), resize=resize)
    return {
        "class_index": found.class_index,
        "label": name_classes(asked.network, n_classes=found.n_classes)[found.class_index],
        "n_relus": found.n_relus,
        "seed": SEED,
        "photograph": {"width": frame.width, "height": frame.height},
        "seen": [frame.left, frame.top, frame.left + frame.across, frame.top + frame.down],
        "views": [
            {"subject": subject, "method": method, "correlation": correlation}
            for (subject, method), correlation in found.correlations.items()
        ],
    }
