"""Answers what the units of a layer do on a photograph of an image set; the maps lie in a file beside the answer."""

from dataclasses import asdict
from typing import Any

from workers import contract
from workers.engine.explain import Frame, QuestionInvalid
from workers.engine.format.artifact import pack_arrays
from workers.engine.images.decoding import read_size
from workers.engine.look import look
from workers.job import find_device, write_patiently
from workers.opened import open_photograph
from workers.parts import Asked


def look_at_photograph(asked: Asked) -> dict[str, Any]:
    """`layer`, `n_units`, `input_px`, the size of the `photograph`, the part of it that was `seen`, and where the cells
    lie: `rows` and `columns`, by the rule `anchoring`. Raises LayerError, ImageUnreadable, QuestionInvalid.
    """
    address, name, labels = (str(asked.request.options.get(one, "")) for one in contract.PHOTOGRAPH_OPTIONS)
    images = open_photograph(address, labels, name)
    if name not in images.paths:
        raise QuestionInvalid(f"The photograph {name} is not in the image set any more")
    preprocessing = asked.network.preprocessing
    asked.reporter.begin("looking at the photograph", n_total=0)
    found = look(
        network=asked.network,
        image_set=images,
        index=images.paths.index(name),
        layer=asked.request.options["layer"],
        device=find_device(),
    )
    write_patiently(asked.target, asked.reporter, contract.UNIT_MAPS, pack_arrays({"maps": found.maps}))
    # A page shows the smaller one; the network has seen the file of the set.
    asked.target.remove(contract.CLEAN_PHOTOGRAPH)
    resize = "warp" if images.labels is not None else preprocessing.resize
    frame = Frame.of(**read_size(images.root / name), resize=resize)
    return {
        "layer": asked.request.options["layer"],
        "n_units": len(found.maps),
        "input_px": preprocessing.input_px,
        "photograph": {"width": frame.width, "height": frame.height},
        "seen": [frame.left, frame.top, frame.left + frame.across, frame.top + frame.down],
        "anchoring": found.anchoring,
        "rows": asdict(found.geometry.rows),
        "columns": asdict(found.geometry.columns),
    }
