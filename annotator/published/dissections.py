"""Takes in a dissection that was saved elsewhere (`Dissection.save` in a notebook): all of it or nothing, once.

Its network and image set are the ones with the same digests, if they are here; otherwise they are registered as
imported, and nothing that the file names is loaded.
"""

import hashlib
import logging
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import DatabaseError, OperationalError, transaction

from annotator.published.bundle.shapes import find_misfit
from annotator.published.readers.cells import BadFile
from annotator.units.ingesting import ArtifactMismatch, ingest_artifact
from annotator.units.models import IMPORTED, Dissection, ImageSet, Network, name_artifact
from annotator.units.names import find_free_name, make_slug
from workers.contract import CONTENTS, MAX_UPLOAD_BYTES
from workers.engine.format.artifact import (
    MANIFEST,
    PATHS,
    Artifact,
    ArtifactMalformed,
    checksum_name,
    content_sha256,
    read_artifact,
)
from workers.engine.measures.table import list_layer_files
from workers.store import Store, open_store

log = logging.getLogger(__name__)

# Files of tiles and fields are named by their digest; a strip that was drawn later has its digest beside it.
BY_DIGEST = re.compile(r"(?:tiles|fields)/([0-9a-f]{2})/(\1[0-9a-f]{62})\.(?:jpg|png)")
DRAWN_LATER = re.compile(r"tiles/la/(late[0-9a-f]{60})\.(?:jpg|sha256)")


@dataclass(frozen=True)
class TakenIn:
    dissection: Dissection
    is_new: bool


def take_dissection(*, path: Path, images_name: str, now: datetime) -> TakenIn:
    """The dissection of the file, which may be here already. Raises BadFile."""
    with _reading(path) as artifact:
        manifest = artifact.manifest
        known = Dissection.objects.filter(
            artifact_sha256=manifest["sha256"],
            state=Dissection.State.DONE,
            network__weights_sha256=manifest["network"]["weights_sha256"],
            is_baseline=False,
        ).first()
        if known:
            return TakenIn(known, is_new=False)
        _check_digest(artifact)
        dissection = _make_dissection(manifest, images_name, now)
        store = open_store(dissection.artifact)
        try:
            with transaction.atomic():
                _write(artifact, path, store)
                for row in (dissection.network, dissection.image_set):
                    if row.pk is None:
                        row.save()
                dissection.save(force_insert=True)
                ingest_artifact(dissection=dissection, store=store, now=now)
                _check_columns(dissection)
        except BaseException:
            store.clear()
            raise
    return TakenIn(dissection, is_new=True)


@contextmanager
def _reading(path: Path) -> Iterator[Artifact]:
    """Whatever a damaged file causes becomes one sentence."""
    try:
        with zipfile.ZipFile(path) as file:
            _check_names(file, path.name)
            yield read_artifact(file.read)
    except (ArtifactMalformed, ArtifactMismatch) as error:
        raise BadFile(f"{path.name}: {error}") from None
    except OperationalError:  # of the database's state, not of the file
        raise
    except (
        zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, DatabaseError,
        NotImplementedError, RecursionError,
    ) as error:  # fmt: skip
        log.info("Not taken in: %s", path.name, exc_info=True)  # it may be a defect of ours
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadFile(f"{path.name} is no saved dissection, or a damaged one: {said}.") from error


def _belongs(name: str) -> bool:
    """Whether a dissection has a file of that name: of the artifact itself, or one that a measure writes."""
    if name in (MANIFEST, PATHS, CONTENTS) or BY_DIGEST.fullmatch(name) or DRAWN_LATER.fullmatch(name):
        return True
    place = re.search(r"(?:layer|maps)-(\d{1,4})\b", name)
    return place is not None and name in list_layer_files(int(place[1]))


def _check_names(file: zipfile.ZipFile, name: str) -> None:
    entries = file.infolist()
    for entry in entries:
        if not _belongs(entry.filename):
            raise BadFile(f"{name} holds {entry.filename[:80]!r}, which belongs to no dissection.")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise BadFile(f"{name} is compressed or encrypted: give the file as `save` wrote it.")
    if sum(entry.file_size for entry in entries) > MAX_UPLOAD_BYTES or len({one.filename for one in entries}) < len(
        entries
    ):
        raise BadFile(f"{name} holds too much, or one name twice.")


def _check_digest(artifact: Artifact) -> None:
    manifest = artifact.manifest
    layers = [artifact.layer(place) for place in range(len(manifest["layers"]))]
    if content_sha256(manifest=manifest, paths=artifact.paths, layers=layers) != manifest["sha256"]:
        raise ArtifactMalformed("What it holds is not what its digest says.")


def _check_columns(dissection: Dissection) -> None:
    for one in dissection._meta.concrete_fields:
        value = getattr(dissection, one.name)
        if one.get_internal_type() == "JSONField" and (misfit := find_misfit(f"Dissection.{one.name}", value)):
            raise ArtifactMalformed(f"Its {one.name} are of another shape ({misfit:.200}).")


def _make_dissection(manifest: dict[str, Any], images_name: str, now: datetime) -> Dissection:
    """Not saved yet, nor what it is of unless that is here."""
    dissection_id = uuid4()
    return Dissection(
        id=dissection_id,
        network=_find_network(manifest["network"], now),
        image_set=_find_images(manifest, images_name, now),
        layer_paths=[str(entry["path"]) for entry in manifest["layers"]],
        options=dict(manifest["options"]),
        state=Dissection.State.INGESTING,
        artifact_name=name_artifact(dissection_id),
        passed_over=manifest.get("passed_over", []),
        created_at=now,
    )


def _find_network(stated: dict[str, Any], now: datetime) -> Network:
    architecture, digests = str(stated["architecture"]), {}
    for name in ("weights_sha256", "source_sha256", "weights_from"):
        digests[name] = str(stated[name])
    names = (architecture, f"{IMPORTED}:{architecture}")
    same = {name: digests[name] for name in ("weights_sha256", "source_sha256")}
    alike = Network.objects.filter(architecture__in=names, **same).order_by("id")
    preprocessing = stated.get("preprocessing")
    here = next((one for one in alike if one.preprocessing in (None, preprocessing)), None)
    return here or Network(
        name=find_free_name(Network, make_slug(re.split("[:.]", architecture)[-1])),
        architecture=names[1],
        preprocessing=preprocessing,
        registered_at=now,
        **digests,
    )


def _find_images(manifest: dict[str, Any], name: str, now: datetime) -> ImageSet:
    stated = manifest["image_set"]
    digests = {"sha256": str(stated["sha256"]), "content_sha256": str(stated.get("content_sha256", ""))}
    slug = make_slug(name)
    return ImageSet.objects.filter(**digests).order_by("id").first() or ImageSet(
        name=find_free_name(ImageSet, slug),
        address=f"{IMPORTED}:{slug}",
        has_labels=bool(manifest["labels"]),
        n_images=int(stated["n_images"]),
        registered_at=now,
        **digests,
    )


def _name_digest(artifact: Artifact, name: str) -> str:
    """The digest that the file must have; empty if its name tells none."""
    if (late := DRAWN_LATER.fullmatch(name)) and name.endswith(".jpg"):
        return artifact.read(checksum_name(late[1])).decode(errors="replace")
    by_digest = BY_DIGEST.fullmatch(name)
    return by_digest[2] if by_digest else ""


def _write(artifact: Artifact, path: Path, store: Store) -> None:
    """All files; the manifest last, as whoever computes it does."""
    with zipfile.ZipFile(path) as file:
        names = sorted(file.namelist(), key=lambda name: (name == "manifest.json", name))
        for name in names:
            content = artifact.read(name)
            if _name_digest(artifact, name) not in ("", hashlib.sha256(content).hexdigest()):
                raise ArtifactMalformed(f"{name} is not the picture that its name says.")
            store.write(name, content)
    if not store.exists(CONTENTS):
        raise ArtifactMalformed(f"It has no {CONTENTS}.")
