"""Takes a finished dissection's artifact into the database: layers, units, images, crops and automatic labels."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Image, ImageSet, Layer, TopImage, Unit
from workers.engine.format.artifact import Arrays, read_artifact
from workers.store import Store

BATCH = 5_000


class ArtifactMismatch(Exception):
    """The artifact does not belong to the image set or network as registered; the message says how."""


def ingest_artifact(*, dissection: Dissection, store: Store, now: datetime) -> None:
    """All of it or nothing (the caller's transaction); run again it writes the same rows."""
    artifact = read_artifact(store.read)
    manifest = artifact.manifest
    images = _ingest_images(dissection.image_set, manifest, artifact.paths)
    dissection.dissected_units.all().delete()
    dissection.automatic_labels.all().delete()
    # The units of a turned basis are not the network's: their detectors are counted, and nothing is shown of them.
    for position, entry in enumerate(() if manifest["options"]["rotation"] else manifest["layers"]):
        arrays = artifact.layer(position)
        units = _ingest_layer(dissection, entry, position)
        measured = _ingest_units(dissection, units, arrays, tile_px=manifest["options"]["tile_px"])
        TopImage.objects.bulk_create(_top_images(measured, arrays, images), batch_size=BATCH)
        AutomaticLabel.objects.bulk_create(_automatic_labels(dissection, units, arrays, manifest), batch_size=BATCH)
    _finish(dissection, manifest, now)


def _ingest_images(image_set: ImageSet, manifest: dict[str, Any], paths: list[str]) -> list[Image]:
    found = manifest["image_set"]
    if image_set.sha256 and image_set.sha256 != found["sha256"]:
        raise ArtifactMismatch(f"The images of {image_set.name!r} changed since they were first dissected.")
    reasons = {entry["path"]: entry["reason"] for entry in found["quarantined"]}
    Image.objects.bulk_create(
        (
            Image(image_set=image_set, index=index, path=path, quarantine_reason=reasons.get(path, "")[:300])
            for index, path in enumerate(paths)
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    image_set.n_images, image_set.sha256 = len(paths), found["sha256"]
    image_set.save(update_fields=["n_images", "sha256"])
    return list(image_set.images.order_by("index"))


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


def _ingest_units(dissection: Dissection, units: list[Unit], arrays: Arrays, *, tile_px: int) -> list[DissectedUnit]:
    n_top = (arrays["top_image"] >= 0).sum(axis=1)
    n_low = (arrays["low_image"] >= 0).sum(axis=1)
    occluded = "empirical_size" in arrays
    return DissectedUnit.objects.bulk_create(
        (
            DissectedUnit(
                dissection=dissection,
                unit=unit,
                threshold=float(arrays["threshold"][u]),
                peak_low=float(arrays["peak_range"][u, 0]),
                peak_high=float(arrays["peak_range"][u, 1]),
                peak_histogram=arrays["peak_histogram"][u].tolist(),
                n_top=int(n_top[u]),
                n_low=int(n_low[u]),
                tile_px=tile_px,
                strip=str(arrays["tile_sheet"][u]),
                empirical_size_px=float(arrays["empirical_size"][u]) if occluded else None,
                empirical_picture=str(arrays["empirical_picture"][u]) if occluded else "",
            )
            for u, unit in enumerate(units)
        ),
        batch_size=BATCH,
    )


def _top_images(measured: list[DissectedUnit], arrays: Arrays, images: list[Image]) -> Iterator[TopImage]:
    """Ranks are tile numbers: the top images by falling peak, then the low ones."""
    n_top = arrays["top_image"].shape[1]
    for u, dissected_unit in enumerate(measured):
        for kind, first in (("top", 0), ("low", n_top)):
            for place, image in enumerate(arrays[f"{kind}_image"][u]):
                if image < 0:
                    continue
                left, top, side = (int(value) for value in arrays["tile_box"][u, first + place])
                row, column = (int(value) for value in arrays[f"{kind}_location"][u, place])
                yield TopImage(
                    dissected_unit=dissected_unit,
                    image=images[image],
                    rank=first + place,
                    is_low=kind == "low",
                    peak=float(arrays[f"{kind}_peak"][u, place]),
                    peak_row=row,
                    peak_column=column,
                    crop_left=left,
                    crop_top=top,
                    crop_side=side,
                )


def _automatic_labels(
    dissection: Dissection, units: list[Unit], arrays: Arrays, manifest: dict[str, Any]
) -> Iterator[AutomaticLabel]:
    """The best label of each category; of these the best one, ties to the earlier category, is the unit's label."""
    numbers = {entry["number"]: column for column, entry in enumerate(manifest["labels"])}
    names = {entry["number"]: entry["name"] for entry in manifest["labels"]}
    for mode in manifest["options"]["iou_modes"] if manifest["labels"] else []:
        best_label, best_iou = arrays[f"{mode}_best_label"], arrays[f"{mode}_best_iou"]
        for u, unit in enumerate(units):
            known = [c for c in range(len(manifest["categories"])) if best_label[u, c] > 0 and best_iou[u, c] > 0]
            best = max(known, key=lambda c: (best_iou[u, c], -c), default=None)
            for c in known:
                number = int(best_label[u, c])
                column = numbers[number]
                yield AutomaticLabel(
                    dissection=dissection,
                    unit=unit,
                    source=str(dissection.id),
                    mode=mode,
                    category=manifest["categories"][c],
                    label=names[number],
                    iou=float(best_iou[u, c]),
                    intersection=float(arrays[f"{mode}_intersection"][u, column]),
                    area=float(arrays[f"{mode}_area"][u, column]),
                    truth=float(arrays[f"{mode}_truth"][column]),
                    is_best=c == best,
                )


def _finish(dissection: Dissection, manifest: dict[str, Any], now: datetime) -> None:
    dissection.n_images = manifest["image_set"]["n_images"]
    dissection.n_quarantined = manifest["image_set"]["n_quarantined"]
    dissection.artifact_sha256 = manifest["sha256"]
    dissection.seconds_by_stage = manifest["seconds"]
    dissection.environment = manifest["environment"]
    dissection.detectors = {entry["path"]: entry["detectors"] for entry in manifest["layers"]}
    dissection.labels = manifest["labels"]
    dissection.state, dissection.finished_at = Dissection.State.DONE, now
    dissection.save()
