"""Describe a dissection as its manifest states it."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import PIL
import torch

from workers.engine.format.artifact import FORMAT, layer_name
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.measure import Completion, MeasuredLayer, list_measures
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import LoadedNetwork


def describe(*, completion: Completion, tally: Tally, device: str, seconds: dict[str, float]) -> dict[str, Any]:
    """The manifest of format 1, without its hash."""
    image_set, options = completion.image_set, completion.options
    table = image_set.labels
    return {
        "format": FORMAT,
        "network": completion.network.describe(),
        "image_set": {
            "sha256": image_set.sha256,
            "content_sha256": image_set.content_sha256,
            "n_images": len(image_set.paths),
            "n_quarantined": len(tally.quarantined),
            "quarantined": [
                {"path": image_set.paths[index], "reason": reason} for index, reason in sorted(tally.quarantined)
            ],
            "paths": "paths.json",
        },
        "options": options.to_json(),
        "environment": {
            **describe_environment(device=device, batch_size=options.run.batch_size),
            "halvings": tally.halvings,
        },
        "labels": [asdict(label) for label in table.labels] if table else [],
        "categories": list(table.categories) if table else [],
        "layers": [_layer_entry(layer, place) for place, layer in enumerate(completion.layers)],
        "passed_over": [asdict(one) for one in image_set.passed_over],
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }


def describe_environment(*, device: str, batch_size: int) -> dict[str, Any]:
    """What the bits of a measurement may depend on."""
    return {
        "device": device.partition(":")[0],
        "batch_size": batch_size,
        "device_name": torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def _layer_entry(layer: MeasuredLayer, place: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": layer.shape.path,
        "n_units": layer.shape.n_units,
        "map_height": layer.shape.height,
        "map_width": layer.shape.width,
        "theoretical_receptive_field": None,
        "axes": layer.shape.axes,
        "tokens_dropped": {"first": layer.shape.n_first, "last": layer.shape.n_last},
        "read_as": layer.shape.note,
        "anchoring": layer.anchoring,
        "reason": layer.reason,
        "file": layer_name(place),
    }
    for measure in list_measures():
        entry |= measure.describe(layer.results.get(measure.recorded.name))
    if layer.geometry is None:
        return entry
    rows, columns = layer.geometry.rows, layer.geometry.columns
    grid = asdict(rows)
    if columns != rows:
        grid["columns"] = asdict(columns)
    return {**entry, "cells": grid, "theoretical_receptive_field": None if rows.size is None else grid}


def dissection_key(
    *, network: LoadedNetwork, layers: Sequence[str], image_set: ImageSet, options: DissectionOptions
) -> str:
    """Hex digest of weights, layers, preprocessing, image set and parameters: equal keys, equal results."""
    stated = [network.describe(), list(layers), image_set.sha256, options.to_json()]
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()
