"""Explain one photograph: what the network predicts, where it sees that, and which units make each score.

[ZKLOT16] 2; docs/evidence.md. Cells lie over the square input; boxes are in pixels of the upright photograph.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workers.engine.evidence.boxes import METHODS as BOX_METHODS
from workers.engine.evidence.boxes import Box
from workers.engine.evidence.class_maps import grow, map_by_gradients, run_with_maps
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.head import Contributions, Head
from workers.engine.evidence.names import CAM, PAPER
from workers.engine.images.decoding import decode_image, read_size
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers


class QuestionInvalid(Exception):
    """What was asked about the photograph cannot be answered; the message says why."""


@dataclass(frozen=True)
class Asked:
    """`method` is one of names.MAPS; `layer` is the head's if empty. `classes` are explained in place of the
    `n_predictions` of highest score. Of each score the `n_units` largest shares are listed.
    """

    method: str = CAM
    layer: str = ""
    boxes: str = PAPER
    classes: tuple[int, ...] = ()
    n_predictions: int = 5
    n_units: int = 10


@dataclass(frozen=True)
class Frame:
    """Where the square input lies in the upright photograph of width x height: corner and side lengths in pixels."""

    width: int
    height: int
    left: float
    top: float
    across: float
    down: float

    @classmethod
    def of(cls, *, width: int, height: int, resize: str) -> "Frame":
        if resize == "warp":
            return cls(width, height, 0, 0, width, height)
        side = min(width, height)
        return cls(width, height, (width - side) / 2, (height - side) / 2, side, side)

    def place(self, box: Box, *, input_px: int) -> list[float]:
        """A box over the input in pixels of the photograph."""
        across, down = self.across / input_px, self.down / input_px
        x0, y0, x1, y1 = box
        found = (self.left + x0 * across, self.top + y0 * down, self.left + x1 * across, self.top + y1 * down)
        return [round(value, 2) for value in found]


def explain(*, network: LoadedNetwork, path: Path, asked: Asked, device: str) -> dict[str, Any]:
    """What docs/evidence.md, Explanation, lists, as plain JSON. Raises NetworkError, LayerError, ImageUnreadable,
    QuestionInvalid.
    """
    head = find_head(network) if asked.method == CAM or not asked.layer else None
    shape = _find_shape(network, asked, head, device)
    preprocessing = network.preprocessing
    pixels = decode_image(
        path,
        input_px=preprocessing.input_px,
        resize=preprocessing.resize,
        interpolation=preprocessing.interpolation,
    )
    images = normalize(pixels=torch.from_numpy(np.array(pixels[None])).to(device), preprocessing=preprocessing)
    seen = run_with_maps(module=network.module, shape=shape, images=images)
    if not (seen.scores.isfinite().all() and seen.maps.isfinite().all()):
        raise NetworkError("For this photograph the network gives values that are not finite numbers.")
    classes = _choose_classes(seen.scores, asked)
    shares = head.contributions(seen.maps, classes) if head is not None else None
    if asked.method == CAM and head is not None:
        class_maps = head.map_classes(seen.maps, classes)
    else:
        class_maps = map_by_gradients(
            module=network.module, shape=shape, images=images, classes=classes, method=asked.method
        )
    frame = Frame.of(**read_size(path), resize=preprocessing.resize)
    probabilities = seen.scores.softmax(dim=1)[0]
    return {
        "head": None if head is None else describe_head(head),
        "layer": shape.path,
        "method": asked.method,
        "boxes_by": asked.boxes,
        "n_classes": seen.scores.shape[1],
        "photograph": {"width": frame.width, "height": frame.height},
        "seen": [frame.left, frame.top, frame.left + frame.across, frame.top + frame.down],
        "predictions": [
            {
                "class_index": int(index),
                "probability": float(probabilities[index]),
                "logit": float(seen.scores[0, index]),
                **_list_shares(shares, place, asked.n_units, score=float(seen.scores[0, index])),
                **_box(class_maps[0, place], asked, frame, preprocessing.input_px),
            }
            for place, index in enumerate(classes[0].tolist())
        ],
    }


def describe_head(head: Head) -> dict[str, Any]:
    return {
        "layer": head.layer,
        "same": list(head.same),
        "form": str(head.form),
        "error": head.error,
        "last": head.last,
        "n_units": head.shape.n_units,
        "n_classes": head.n_classes,
    }


def _find_shape(network: LoadedNetwork, asked: Asked, head: Head | None, device: str) -> LayerShape:
    if asked.layer and head is not None and asked.layer not in (head.layer, *head.same):
        raise QuestionInvalid(
            f"CAM is of the layer that the head pools, {head.layer}. For {asked.layer}, ask for --method grad-cam."
        )
    if head is not None:
        return head.shape
    px = network.preprocessing.input_px
    return probe_layers(module=network.module, paths=[asked.layer], input_px=px, device=device)[asked.layer]


def _choose_classes(scores: torch.Tensor, asked: Asked) -> torch.Tensor:
    """(1, n) the classes that are explained."""
    n_classes = scores.shape[1]
    if wrong := [one for one in asked.classes if not 0 <= one < n_classes]:
        raise QuestionInvalid(f"There is no class {wrong[0]}: the network has the classes 0 to {n_classes - 1}.")
    if asked.classes:
        return torch.tensor([asked.classes], device=scores.device)
    return scores.topk(min(asked.n_predictions, n_classes), dim=1).indices


def _list_shares(shares: Contributions | None, place: int, n_units: int, *, score: float) -> dict[str, Any]:
    """The units of largest share, either way, and the rest: bias, units and rest sum to the score."""
    if shares is None:
        return {"bias": None, "rest": None, "units": []}
    units, bias = shares.units[0, place].double(), float(shares.bias[0, place])
    largest = units.abs().argsort(descending=True, stable=True)[:n_units]
    listed = sorted(((float(units[unit]), int(unit)) for unit in largest), key=lambda one: (-one[0], one[1]))
    return {
        "bias": bias,
        "rest": score - bias - sum(share for share, _ in listed),
        "units": [{"index": unit, "contribution": share} for share, unit in listed],
    }


def _box(class_map: torch.Tensor, asked: Asked, frame: Frame, input_px: int) -> dict[str, Any]:
    """The map at its own size, the boxes that follow from it, the best one first."""
    values = class_map.float()
    boxed = BOX_METHODS[asked.boxes](grow(values[None, None], input_px)[0, 0])
    placed = [frame.place(box, input_px=input_px) for box in boxed.boxes]
    return {
        "map": [[round(value, 6) for value in row] for row in values.tolist()],
        "box": placed[0],
        "boxes": placed,
        "box_note": boxed.note,
    }
