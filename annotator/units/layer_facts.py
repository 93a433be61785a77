"""How a dissection read a layer and where it laid its cells, in words (docs/measures.md, Which axis is the unit)."""

from annotator.units.models import Dissection

NOT_RECORDED = "not recorded"
ANCHORED = {
    "field_centers": "cells at the centers of their receptive fields (field_centers)",
    "half_pixel": "cells spread evenly over the image (half_pixel)",
}


def find_anchoring(dissection: Dissection, path: str) -> str:
    """The rule by which the layer's cells were laid over the image; artifacts of before do not record it."""
    return str(dissection.layer_facts.get(path, {}).get("anchoring", NOT_RECORDED))


def spell_layer(dissection: Dissection, path: str) -> str:
    """How the layer was read and where its cells lie, in one line."""
    facts = dissection.layer_facts.get(path, {})
    anchored = ANCHORED.get(find_anchoring(dissection, path), f"where its cells lie: {NOT_RECORDED}")
    size = f"{facts['map_height']} x {facts['map_width']} cells" if "map_height" in facts else ""
    return "; ".join(part for part in (size, facts.get("read_as", ""), anchored) if part)
