"""Show what a read-out says of one photograph, where, by which words and by which units. docs/readouts.md, Show."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.images.decoding import decode_image, read_size
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.readouts.features import WARP, ReadLayer
from workers.engine.readouts.linear import Weights
from workers.engine.readouts.options import VQA, ReadoutInvalid
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Shown, ShownWord, Wanted
from workers.engine.readouts.tasks.table import TABLE

Values = NDArray[np.float32]


def show_readout(
    *, readout: Readout, network: LoadedNetwork, path: Path, wanted: Wanted, device: str
) -> tuple[dict[str, Any], Values]:
    """The answer as docs/readouts.md lists it, and the maps (K, h, w) of the layer. Raises ReadoutInvalid, LayerError,
    NetworkError, ImageUnreadable.
    """
    readout.demand(network)
    if wanted.question and readout.task != VQA:
        raise ReadoutInvalid("This read-out answers no questions: leave out --question.")
    layer = ReadLayer.find(network, readout.layer, device=device)
    preprocessing = network.preprocessing
    pixels = decode_image(
        path, input_px=preprocessing.input_px, resize=WARP, interpolation=preprocessing.interpolation
    )  # fmt: skip
    images = normalize(pixels=torch.tensor(pixels[None]).to(device), preprocessing=preprocessing)
    maps = layer.see(images)[0].numpy()
    shown = TABLE[readout.task].show(readout, maps, wanted)
    size = read_size(path)
    answer = {
        "task": readout.task,
        "layer": readout.layer,
        "photograph": size,
        "seen": [0, 0, size["width"], size["height"]],
        **_tell(shown, maps, wanted.n_units),
    }
    return answer, maps


def _tell(shown: Shown, maps: Values, n_units: int) -> dict[str, Any]:
    """What does not apply is absent."""
    shares = shown.weights.share_out(maps)
    largest = np.argsort(-np.abs(shares), kind="stable")[:n_units]
    listed = sorted(((float(shares[unit]), int(unit)) for unit in largest), key=lambda one: (-one[0], one[1]))
    told: dict[str, Any] = {"prediction": shown.prediction, "score": shown.score}
    if shown.image_score is not None:
        told["image_score"] = shown.image_score
    if shown.words is not None:
        told["words"] = [_tell_word(word, maps) for word in shown.words]
    of_units = float(shares.sum())
    return {
        **told,
        "units": [{"index": unit, "contribution": share} for share, unit in listed],
        "rest": of_units - sum(share for share, _ in listed),
        "bias": shown.weights.bias,
        "map": _tell_map(shown.weights, maps),
        "against": shown.against,
        "ranking": list(shown.ranking),
        "notes": list(shown.notes),
        "speaking": shown.speaking,
    }


def _tell_word(word: ShownWord, maps: Values) -> dict[str, Any]:
    told = {"word": word.word, "score": word.score}
    return told if word.weights is None else {**told, "map": _tell_map(word.weights, maps)}


def _tell_map(weights: Weights, maps: Values) -> list[list[float]]:
    # Enough digits that the mean of the map is the score.
    return [[float(f"{value:.9g}") for value in row] for row in weights.map_over(maps).tolist()]
