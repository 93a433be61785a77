"""Networks of the table, loaded with the input that each takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.engine.networks.loading import LoadedNetwork, load_network
from workers.engine.networks.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from workers.engine.networks.zoo import ZooRow, fetch_weights, find_row

INPUTS = {
    "imagenet": Preprocessing(mean=IMAGENET_MEAN, std=IMAGENET_STD),
    "half": Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    "caffe": Preprocessing(
        input_px=227, mean=(104.00699, 116.66877, 122.67892), std=(1.0, 1.0, 1.0), scale=1.0, channels="BGR"
    ),
}


def load_zoo_network(*, name: str, folder: Path, device: str = "cpu") -> LoadedNetwork:
    """Fetch what is not there yet and load it; raises ZooError or NetworkError."""
    return load_row(row=find_row(name), folder=folder, device=device)


def load_row(
    *,
    row: ZooRow,
    folder: Path,
    progress: Callable[[int, int | None], None] = lambda n_done, n_total: None,
    device: str = "cpu",
) -> LoadedNetwork:
    """The network of a row; weights of the random one are drawn by seed 0."""
    weights = None if row.form == "random" else fetch_weights(row=row, folder=folder, progress=progress).path
    return load_network(
        architecture=row.architecture,
        weights=weights,
        preprocessing=INPUTS[row.input],
        device=device,
        keep=row.keep,
    )
