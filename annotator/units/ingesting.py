"""Takes a finished dissection's artifact into the database: layers, units, images, crops and automatic labels."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Image, ImageSet, Layer, TopImage, Unit
from workers.contract import CONTENTS
from workers.engine.format.artifact import read_artifact, unpack_arrays
from workers.engine.measures.recorded import UnitRows
from workers.engine.measures.table import gather_rows
from workers.store import Store

# What the manifest states of a layer, and the dissection keeps.
LAYER_FACTS = ("map_height", "map_width", "axes", "tokens_dropped", "read_as", "anchoring", "cells")
BATCH = 5_000


class ArtifactMismatch(Exception):
    """The artifact does not belong to the image set or network as registered; the message says how."""


def ingest_artifact(*, dissection: Dissection, store: Store, now: datetime) -> dict[str, Any]:
    """The manifest. All of it or nothing (the caller's transaction); run again it writes the same rows."""
    artifact = read_artifact(store.read)
    manifest = artifact.manifest
    images = _ingest_images(dissection.image_set, manifest, artifact.paths, _read_image_digests(store))
    dissection.dissected_units.all().delete()
    dissection.automatic_labels.all().delete()
    # Units of a rotated basis or of random weights are not units of the network: only their detectors are counted.
    is_counted_only = manifest["options"]["rotation"] or manifest["options"].get("random_weights")
    for position, entry in enumerate(() if is_counted_only else manifest["layers"]):
        units = _ingest_layer(dissection, entry, position)
        rows = gather_rows(artifact.layer(position), manifest)
        measured = _ingest_units(dissection, units, rows)
        TopImage.objects.bulk_create(_top_images(measured, rows, images), batch_size=BATCH)
        AutomaticLabel.objects.bulk_create(_automatic_labels(dissection, units, rows), batch_size=BATCH)
    _finish(dissection, manifest, now)
    return manifest


def _read_image_digests(store: Store) -> list[str]:
    """Hex SHA-256 of each image's file; empty for artifacts that do not hold them."""
    if not store.exists(CONTENTS):
        return []
    return [row.tobytes().hex() for row in unpack_arrays(store.read(CONTENTS))["images"]]


def _ingest_images(image_set: ImageSet, manifest: dict[str, Any], paths: list[str], digests: list[str]) -> list[Image]:
    found = manifest["image_set"]
    if image_set.sha256 and image_set.sha256 != found["sha256"]:
        raise ArtifactMismatch(f"The images of {image_set.name!r} changed since they were first dissected.")
    reasons = {entry["path"]: entry["reason"] for entry in found["quarantined"]}
    Image.objects.bulk_create(
        (
            Image(
                image_set=image_set,
                index=index,
                path=path,
                sha256=digests[index] if digests else "",
                quarantine_reason=reasons.get(path, "")[:300],
            )
            for index, path in enumerate(paths)
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    image_set.n_images, image_set.sha256 = len(paths), found["sha256"]
    image_set.save(update_fields=["n_images", "sha256"])
    images = list(image_set.images.order_by("index"))
    if digests and not images[0].sha256:  # ingested before digests were kept
        for image in images:
            image.sha256 = digests[image.index]
        Image.objects.bulk_update(images, ["sha256"], batch_size=BATCH)
    return images


def _ingest_layer(dissection: Dissection, entry: dict[str, Any], position: int) -> list[Unit]:
    field = entry["theoretical_receptive_field"]
    layer, _ = Layer.objects.update_or_create(
        network=dissection.network,
        path=entry["path"],
        defaults={
            "n_units": entry["n_units"],
            "position": entry.get("depth", position),
            "theoretical_receptive_field": field,
            "receptive_field_note": "" if field else str(entry.get("reason", ""))[:300],
        },
    )
    Unit.objects.bulk_create(
        (Unit(layer=layer, index=index) for index in range(layer.n_units)), batch_size=BATCH, ignore_conflicts=True
    )
    return list(layer.units.order_by("index"))


def _ingest_units(dissection: Dissection, units: list[Unit], rows: dict[str, list[UnitRows]]) -> list[DissectedUnit]:
    return DissectedUnit.objects.bulk_create(
        (
            DissectedUnit(
                dissection=dissection,
                unit=unit,
                values={name: own[u].value for name, own in rows.items() if own[u].value is not None},
                **{key: value for own in rows.values() for key, value in own[u].columns.items()},
            )
            for u, unit in enumerate(units)
        ),
        batch_size=BATCH,
    )


def _top_images(
    measured: list[DissectedUnit], rows: dict[str, list[UnitRows]], images: list[Image]
) -> Iterator[TopImage]:
    """One row per rank that has an image; crops of other ranks stand for nothing."""
    for u, dissected_unit in enumerate(measured):
        ranks: dict[int, dict[str, Any]] = {}
        for own in rows.values():
            for rank, columns in own[u].ranks.items():
                ranks.setdefault(rank, {}).update(columns)
        for rank, columns in sorted(ranks.items()):
            if "image" in columns:
                image = images[columns.pop("image")]
                yield TopImage(dissected_unit=dissected_unit, rank=rank, image=image, **columns)


def _automatic_labels(
    dissection: Dissection, units: list[Unit], rows: dict[str, list[UnitRows]]
) -> Iterator[AutomaticLabel]:
    for u, unit in enumerate(units):
        for own in rows.values():
            for columns in own[u].labels:
                yield AutomaticLabel(dissection=dissection, unit=unit, source=str(dissection.id), **columns)


def _gather_facts(entry: dict[str, Any]) -> dict[str, Any]:
    """How a layer was read and where its cells lie; empty for artifacts of before, which did not record it."""
    return {name: entry[name] for name in LAYER_FACTS if name in entry}


def _finish(dissection: Dissection, manifest: dict[str, Any], now: datetime) -> None:
    dissection.n_images = manifest["image_set"]["n_images"]
    dissection.n_quarantined = manifest["image_set"]["n_quarantined"]
    dissection.artifact_sha256 = manifest["sha256"]
    dissection.seconds_by_stage = manifest["seconds"]
    dissection.environment = manifest["environment"]
    dissection.detectors = {entry["path"]: entry["detectors"] for entry in manifest["layers"]}
    dissection.labels = manifest["labels"]
    dissection.layer_facts = {entry["path"]: _gather_facts(entry) for entry in manifest["layers"]}
    dissection.state, dissection.finished_at = Dissection.State.DONE, now
    dissection.save()
