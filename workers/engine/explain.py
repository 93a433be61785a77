"""Explain one photograph: what the network predicts, where it sees that, and which units make each score.

[ZKLOT16] 2; docs/evidence.md. Cells lie over the square input; boxes are in pixels of the upright photograph.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.evidence.boxes import INTERPOLATIONS, Box
from workers.engine.evidence.boxes import METHODS as BOX_METHODS
from workers.engine.evidence.class_maps import Seen, grow, map_by_gradients, run_with_maps
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.head import Contributions, Head
from workers.engine.evidence.names import BOXES, BY_GRADIENTS, CAM, PAPER
from workers.engine.images.decoding import decode_image, read_size
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers

# As many classes stand in the ranking of a full answer.
N_RANKED = 20
# Scores that sum to 1 but for this are probabilities.
SUM_TOLERANCE = 1e-4


class QuestionInvalid(Exception):
    """What was asked about the photograph cannot be answered; the message says why."""


@dataclass(frozen=True)
class Asked:
    """`method` is one of names.MAPS; `layer` is the head's if empty. `classes` are explained in place of the
    `n_predictions` of highest score. Of each score the `n_units` largest shares are listed. `in_full`: also every other
    way to make maps and boxes, what makes the difference of each two classes, and the N_RANKED classes of high score.
    """

    method: str = CAM
    layer: str = ""
    boxes: str = PAPER
    classes: tuple[int, ...] = ()
    n_predictions: int = 5
    n_units: int = 10
    in_full: bool = False


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


@dataclass(frozen=True)
class Explained:
    """`answer` is plain JSON; `maps` (K, h, w) are the layer's; `head` is None if the answer does not rest on one."""

    answer: dict[str, Any]
    maps: NDArray[np.float32]
    head: Head | None


def explain(*, network: LoadedNetwork, path: Path, asked: Asked, device: str) -> Explained:
    """The answer that docs/evidence.md, Explanation, lists. Raises NetworkError, LayerError, ImageUnreadable,
    QuestionInvalid.
    """
    head = find_head(network) if asked.method == CAM or not asked.layer else None
    shape = _find_shape(network, asked, head, device)
    images = _read_photograph(network, path, device)
    seen = run_with_maps(module=network.module, shape=shape, images=images)
    if not (seen.scores.isfinite().all() and seen.maps.isfinite().all()):
        raise NetworkError("For this photograph the network gives values that are not finite numbers.")
    classes = _choose_classes(seen.scores, asked)
    frame = Frame.of(**read_size(path), resize=network.preprocessing.resize)
    class_maps = _map_classes(network, shape, images, classes, head, seen, _list_methods(asked, head))
    shares = head.contributions(seen.maps, classes) if head is not None else None
    answer: dict[str, Any] = {
        "head": None if head is None else describe_head(head),
        "layer": shape.path,
        "method": asked.method,
        "boxes_by": asked.boxes,
        "n_classes": seen.scores.shape[1],
        "photograph": {"width": frame.width, "height": frame.height},
        "seen": [frame.left, frame.top, frame.left + frame.across, frame.top + frame.down],
        "predictions": [
            {
                **one,
                **_list_shares(shares, place, asked.n_units, score=one["logit"]),
                **_box(class_maps[asked.method][0, place], asked.boxes, frame, network.preprocessing.input_px),
            }
            for place, one in enumerate(_score(seen.scores, classes[0].tolist()))
        ],
    }
    if asked.in_full:
        _add_views(answer, class_maps, frame, network.preprocessing.input_px)
        answer["ranking"] = _score(seen.scores, seen.scores[0].argsort(descending=True)[:N_RANKED].tolist())
        answer["differences"] = [] if shares is None else _list_differences(shares, answer["predictions"], asked)
    return Explained(answer, np.asarray(seen.maps[0].float().cpu().numpy()), head)


def _read_photograph(network: LoadedNetwork, path: Path, device: str) -> torch.Tensor:
    """(1, 3, input_px, input_px), normalized."""
    preprocessing = network.preprocessing
    pixels = decode_image(
        path,
        input_px=preprocessing.input_px,
        resize=preprocessing.resize,
        interpolation=preprocessing.interpolation,
    )
    return normalize(pixels=torch.tensor(pixels[None]).to(device), preprocessing=preprocessing)


def _list_methods(asked: Asked, head: Head | None) -> list[str]:
    """The method that was asked for; in full also every other one that this layer allows."""
    if not asked.in_full:
        return [asked.method]
    return [CAM, *BY_GRADIENTS] if head is not None else list(BY_GRADIENTS)


def _map_classes(
    network: LoadedNetwork, shape: LayerShape, images: torch.Tensor, classes: torch.Tensor, head: Head | None,
    seen: Seen, methods: list[str],
) -> dict[str, torch.Tensor]:  # fmt: skip
    """By method, (1, n, h, w) signed maps of the classes (1, n)."""
    found = {CAM: head.map_classes(seen.maps, classes)} if CAM in methods and head is not None else {}
    if by_gradients := [method for method in methods if method not in found]:
        found |= map_by_gradients(
            module=network.module, shape=shape, images=images, classes=classes, methods=by_gradients
        )
    return found


def _find_probabilities(scores: torch.Tensor) -> torch.Tensor | None:
    """(C,) of (C,) scores, by a softmax. A network that ends with a softmax gives them. None of one score, which may be
    of two classes or a number that the network estimates.
    """
    if len(scores) == 1:
        return None
    is_probability = bool((scores >= 0).all()) and abs(float(scores.sum()) - 1) < SUM_TOLERANCE
    return scores if is_probability else scores.softmax(dim=0)


def _score(scores: torch.Tensor, classes: list[int]) -> list[dict[str, Any]]:
    probabilities = _find_probabilities(scores[0])
    return [
        {
            "class_index": one,
            "probability": None if probabilities is None else float(probabilities[one]),
            "logit": float(scores[0, one]),
        }
        for one in classes
    ]


def _add_views(answer: dict[str, Any], class_maps: dict[str, torch.Tensor], frame: Frame, input_px: int) -> None:
    """To each prediction, by method, the map and, by way, its boxes."""
    for place, prediction in enumerate(answer["predictions"]):
        prediction["views"] = {method: _view(maps[0, place], frame, input_px) for method, maps in class_maps.items()}


def _view(class_map: torch.Tensor, frame: Frame, input_px: int) -> dict[str, Any]:
    boxed = {way: _box(class_map, way, frame, input_px) for way in BOXES}
    return {
        "map": boxed[PAPER]["map"],
        "boxes": {way: {name: one[name] for name in ("boxes", "box_note")} for way, one in boxed.items()},
    }


def _list_differences(shares: Contributions, predictions: list[dict[str, Any]], asked: Asked) -> list[dict[str, Any]]:
    """For each pair of the explained classes, what makes the difference of their scores, unit by unit."""
    found = []
    for (i, one), (j, other) in combinations(enumerate(predictions), 2):
        apart = Contributions(
            units=shares.units[:, i : i + 1] - shares.units[:, j : j + 1],
            bias=shares.bias[:, i : i + 1] - shares.bias[:, j : j + 1],
        )
        difference = one["logit"] - other["logit"]
        found.append(
            {
                "class_index": one["class_index"],
                "other_index": other["class_index"],
                "difference": difference,
                **_list_shares(apart, 0, asked.n_units, score=difference),
            }
        )
    return found


def list_strongest_classes(head: Head, *, n: int = 5) -> list[dict[str, list[tuple[int, float]]]]:
    """For each unit the n classes of largest positive and of largest negative weight: `for` and `against`, each a list
    of class and weight. The weight is what one more unit of the unit's mean adds to the score.
    """
    n = min(n, head.n_classes)
    high, low = (head.weight.topk(n, dim=0, largest=largest) for largest in (True, False))
    sides = (("for", high, 1), ("against", low, -1))
    return [
        {
            side: [
                (int(index), float(weight))
                for weight, index in zip(found.values[:, unit], found.indices[:, unit], strict=True)
                if sign * float(weight) > 0
            ]
            for side, found, sign in sides
        }
        for unit in range(head.weight.shape[1])
    ]


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


def _box(class_map: torch.Tensor, boxes_by: str, frame: Frame, input_px: int) -> dict[str, Any]:
    """The map at its own size, the boxes that follow from it, the best one first."""
    values = class_map.float()
    grown = grow(values[None, None], input_px, mode=INTERPOLATIONS[boxes_by])[0, 0]
    boxed = BOX_METHODS[boxes_by](grown)
    placed = [frame.place(box, input_px=input_px) for box in boxed.boxes]
    return {
        # Maps by gradients may be of any size.
        "map": [[float(f"{value:.6g}") for value in row] for row in values.tolist()],
        "box": placed[0],
        "boxes": placed,
        "box_note": boxed.note,
    }
