"""Describe a dissection as its manifest states it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL
import torch

from workers.engine.format.artifact import FORMAT
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.empirical_fields.empirical import EmpiricalFields, OcclusionOptions
from workers.engine.measures.iou.iou import MODES, count_detectors
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.results import LayerResult
from workers.engine.measures.tally import Tally
from workers.engine.networks.geometry import AxisGeometry
from workers.engine.networks.loading import LoadedNetwork


def describe(
    *,
    network: LoadedNetwork,
    image_set: ImageSet,
    options: DissectionOptions,
    tally: Tally,
    results: Sequence[LayerResult],
    device: str,
    seconds: dict[str, float],
    fields: Sequence[EmpiricalFields | None],
) -> dict[str, Any]:
    """The manifest of format 1, without its hash."""
    broden = image_set.broden
    return {
        "format": FORMAT,
        "network": network.describe(),
        "image_set": {
            "sha256": image_set.sha256,
            "n_images": len(image_set.paths),
            "n_quarantined": len(tally.quarantined),
            "quarantined": [
                {"path": image_set.paths[index], "reason": reason} for index, reason in sorted(tally.quarantined)
            ],
            "paths": "paths.json",
        },
        "options": options.to_json(),
        "environment": {
            "device": device.partition(":")[0],
            "batch_size": options.batch_size,
            "halvings": tally.halvings,
            "device_name": torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
        "labels": [
            {
                "number": label.number,
                "name": label.name,
                "category": label.category,
                "categories": list(label.categories),
            }
            for label in (broden.labels if broden else ())
        ],
        "categories": list(broden.categories) if broden else [],
        "layers": [
            _layer_entry(result, place, field)
            for place, (result, field) in enumerate(zip(results, fields, strict=True))
        ],
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }


def _layer_entry(result: LayerResult, place: int, field: EmpiricalFields | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": result.shape.path,
        "n_units": result.shape.n_units,
        "map_height": result.shape.height,
        "map_width": result.shape.width,
        "theoretical_receptive_field": None,
        "file": f"layer-{place}.npz",
        "detectors": {
            mode: count_detectors(result.arrays, mode) for mode in MODES if f"{mode}_best_iou" in result.arrays
        },
        "empirical_receptive_field": None
        if field is None
        else {
            "mean": round(field.mean_px, 3),
            "deviation": round(field.deviation_px, 3),
            "step": OcclusionOptions.stride_px,
        },
    }
    if result.geometry is None:
        return {**entry, "reason": result.reason}
    rows, columns = result.geometry.rows, result.geometry.columns
    theoretical = _axis(rows)
    if columns != rows:
        theoretical["columns"] = _axis(columns)
    return {**entry, "theoretical_receptive_field": theoretical}


def _axis(axis: AxisGeometry) -> dict[str, Any]:
    return {"size": axis.size, "stride": axis.stride, "offset": axis.offset}


def dissection_key(
    *, network: LoadedNetwork, layers: Sequence[str], image_set: ImageSet, options: DissectionOptions
) -> str:
    """Hex digest of weights, layers, preprocessing, image set and parameters: equal keys, equal results."""
    stated = [network.describe(), list(layers), image_set.sha256, options.to_json()]
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()
