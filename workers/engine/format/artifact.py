"""Format 1 of a dissection's artifact: what the engine writes and the annotator reads. numpy only, no torch.

`manifest.json`, `paths.json`, `layer-<i>.npz` (plain arrays), `tiles/<2 hex>/<64 hex>.jpg`, a strip of tiles for each
unit, and, where empirical receptive fields were estimated, `fields/<2 hex>/<64 hex>.png`, a picture of each unit's.

If strips are drawn when they are asked for, `maps-<i>.npz` holds the activation maps that they are drawn from. The name
of such a strip begins with `late`: it is a digest of those maps, and the digest of the strip's bytes lies beside it.
"""

import hashlib
import io
import json
import mmap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
MANIFEST, PATHS = "manifest.json", "paths.json"
# What a machine did and when; recorded, but no result.
UNHASHED = ("sha256", "seconds", "environment", "layers_sha256", "passed_over")
# Of the environment, what the numbers may depend on.
HASHED_ENVIRONMENT = ("device", "batch_size")

LATE = "late"

Arrays = dict[str, NDArray[Any]]
Read = Callable[[str], bytes]
Data = bytes | mmap.mmap
Save = Callable[[str, Data], None]


class ArtifactMalformed(Exception):
    """The artifact cannot be read, or is not what its manifest says."""


@dataclass(frozen=True)
class Artifact:
    """A dissection's results as they were written; layers are read when asked for."""

    manifest: dict[str, Any]
    paths: list[str]
    read: Read

    def layer(self, index: int) -> Arrays:
        """Arrays of the manifest's layer; raises ArtifactMalformed."""
        return unpack_arrays(self.read(self.manifest["layers"][index]["file"]))

    def strip(self, sheet: str) -> bytes:
        """The strip of tiles of that name."""
        return self.read(tile_name(sheet))


def tile_name(sheet: str) -> str:
    """Where the strip of a unit lies, given its name: the sha256 of its bytes, or a `late_name`."""
    return f"tiles/{sheet[:2]}/{sheet}.jpg"


def late_name(digest: str) -> str:
    """The name of a strip that is drawn when it is asked for, given the hex sha256 of what it is drawn from."""
    return f"{LATE}{digest[len(LATE) :]}"


def is_late(sheet: str) -> bool:
    """True if the strip may not have been drawn yet."""
    return sheet.startswith(LATE)


def checksum_name(sheet: str) -> str:
    """Where the hex sha256 of a late strip's bytes lies: its own name does not tell it."""
    return f"tiles/{sheet[:2]}/{sheet}.sha256"


def layer_name(place: int) -> str:
    """Where the arrays of the manifest's layer lie."""
    return f"layer-{place}.npz"


def maps_name(place: int) -> str:
    """Where the activation maps lie from which the late strips of the manifest's layer are drawn."""
    return f"maps-{place}.npz"


def field_name(picture: str) -> str:
    """Where the picture of a unit's averaged discrepancy map lies, given the sha256 of its bytes: an 8-bit gray PNG,
    white where its maximum is, the peak in the center, one pixel for each step of the occluder.
    """
    return f"fields/{picture[:2]}/{picture}.png"


def pack_arrays(arrays: Arrays) -> bytes:
    """An npz (uncompressed, entries in order of name, no dates) of plain arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> Arrays:
    """The inverse of pack_arrays; raises ArtifactMalformed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            # Ours are not compressed: a small file cannot become a large array.
            if sum(entry.file_size for entry in file.infolist()) > len(data):
                raise ArtifactMalformed("The arrays of a layer are larger than their file: it is none of ours.")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except ArtifactMalformed:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ArtifactMalformed(f"The arrays of a layer cannot be read: {error}.") from None


def arrays_sha256(arrays: Arrays) -> str:
    """Hex digest of names, types, shapes and values, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def content_sha256(*, manifest: dict[str, Any], paths: list[str], layers: list[Arrays]) -> str:
    """Hex digest of everything that is a result: not of seconds, versions or the machine."""
    stated = {key: value for key, value in manifest.items() if key not in UNHASHED}
    stated["environment"] = {key: manifest["environment"].get(key) for key in HASHED_ENVIRONMENT}
    stated["arrays"] = [arrays_sha256(arrays) for arrays in layers]
    stated["path_list"] = paths
    return hashlib.sha256(json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_artifact(*, save: Save, manifest: dict[str, Any], paths: list[str], layers: list[Arrays]) -> dict[str, Any]:
    """Save layers, paths and, last, the manifest with its hash; returns the manifest. Tiles are saved before."""
    complete = {**manifest, "sha256": content_sha256(manifest=manifest, paths=paths, layers=layers)}
    for entry, arrays in zip(manifest["layers"], layers, strict=True):
        save(entry["file"], pack_arrays(arrays))
    save(PATHS, json.dumps(paths).encode())
    save(MANIFEST, json.dumps(complete, indent=1).encode())
    return complete


def read_artifact(read: Read) -> Artifact:
    """Open an artifact through `read(name) -> bytes`; raises ArtifactMalformed if format or parts are not as
    promised.
    """
    try:
        manifest = json.loads(read(MANIFEST))
        paths = json.loads(read(PATHS))
        stated = manifest["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactMalformed(f"The artifact's manifest cannot be read: {error}.") from None
    if stated != FORMAT:
        raise ArtifactMalformed(f"The artifact has format {stated}; this version reads format {FORMAT}.")
    return Artifact(manifest=manifest, paths=paths, read=read)
