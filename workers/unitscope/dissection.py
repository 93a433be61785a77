"""A dissection in a notebook: its units as a table, each with its crops, and photographs that the network explains."""

import html
import os
import shutil
import struct
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from workers.engine.explain import Asked, explain
from workers.engine.format.artifact import MANIFEST, Artifact, ArtifactMalformed, read_artifact
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.networks.class_names import name_classes
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.plurals import say_count
from workers.store import open_store
from workers.unitscope.explanation import Explanation
from workers.unitscope.labeled_arrays import import_xarray
from workers.unitscope.layer import Layer, Unit
from workers.unitscope.networks import find_device
from workers.unitscope.progress import show_bytes
from workers.unitscope.publishing import Published, publish

if TYPE_CHECKING:
    import pandas
    import xarray


# Columns of numbers of the table of units.
MEASURED = ("iou", "iou_low", "iou_high", "chance", "threshold", "peak")
# What zipfile raises for bytes that are not as they were written.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, struct.error, zlib.error)


class Folder:
    """A temporary folder that is removed when nobody holds this any more, or when Python ends. Who holds its `read`, as
    the artifact does, holds it.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="unitscope-"))
        self.store = open_store(str(self.path))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def read(self, name: str) -> bytes:
        return self.store.read(name)


class Dissection:
    """What `dissect` found. `d.units` is a table; `d["layer4", 12]` a unit; `d["layer4"]` a layer; `d.explain(FILE)`
    says what the network sees in a photograph, and by which units.
    """

    def __init__(
        self,
        *,
        artifact: Artifact,
        files: "Folder | zipfile.ZipFile",
        network: LoadedNetwork | None = None,
        images_name: str = "",
    ) -> None:
        self.manifest, self.sha256 = artifact.manifest, str(artifact.manifest["sha256"])
        self._artifact, self._files, self._network = artifact, files, network
        self.images_name = images_name

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """By path, in the order in which they were asked for."""
        return {
            entry["path"]: Layer(artifact=self._artifact, place=place)
            for place, entry in enumerate(self.manifest["layers"])
        }

    @property
    def units(self) -> "pandas.DataFrame":
        """One row a unit, indexed by layer and unit: `label`, `category`, `iou`, `iou_low`, `iou_high`, `chance` (the
        best IoU with label maps dealt out by chance), `threshold`, `peak` (of the top image), `silence`.
        """
        import pandas

        rows = [unit.facts() for layer in self.layers.values() for unit in layer]
        # Numbers that no unit has are missing numbers, too.
        return pandas.DataFrame(rows).set_index(["layer", "unit"]).astype(dict.fromkeys(MEASURED, float))

    @overload
    def __getitem__(self, key: str) -> Layer: ...
    @overload
    def __getitem__(self, key: tuple[str, int]) -> Unit: ...
    def __getitem__(self, key: str | tuple[str, int]) -> Layer | Unit:
        is_unit = isinstance(key, tuple) and len(key) == 2
        if not isinstance(key, str) and not is_unit:
            raise KeyError(f"d[LAYER] gives a layer and d[LAYER, UNIT] a unit; {key!r} is neither.")
        path, index = (key, None) if isinstance(key, str) else key
        if path not in self.layers:
            raise KeyError(f"Layer {path!r} was not dissected; there are {', '.join(self.layers)}.")
        return self.layers[path] if index is None else self.layers[path][index]

    def __contains__(self, path: object) -> bool:
        return path in self.layers

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers.values())

    def to_xarray(self) -> "xarray.DataTree":
        """The data sets of all layers, by path. Raises ImportError with the way to install xarray."""
        sets = {path: layer.to_xarray() for path, layer in self.layers.items()}
        tree: xarray.DataTree = import_xarray().DataTree.from_dict(sets)
        return tree

    def explain(self, photograph: str | os.PathLike[str], *, network: LoadedNetwork | None = None) -> Explanation:
        """The five classes of highest score, where the network sees each, and the units that make its score.

        network: needed if this was read from a file, the one that was dissected. Raises NetworkError (such as: the
        network has no head), ImageUnreadable, TypeError, ValueError for another network.
        """
        loaded = network or self._network
        if loaded is None:
            raise ValueError("A saved dissection has no network: d.explain(FILE, network=unitscope.load_network(...)).")
        if not isinstance(loaded, LoadedNetwork):
            raise TypeError(f"network is what unitscope.load_network gives, and not of type {type(loaded).__name__}.")
        if loaded.weights_sha256 != self.manifest["network"]["weights_sha256"]:
            raise ValueError("The network has other weights than the one that was dissected: its units are others.")
        if not isinstance(photograph, str | os.PathLike):
            raise TypeError(f"photograph is the path of a file, and not of type {type(photograph).__name__}: save it.")
        device, path = find_device(loaded), Path(photograph).expanduser()
        try:
            answer = explain(network=loaded, path=path, asked=Asked(), device=device).answer
        except ImageUnreadable as error:
            raise ImageUnreadable(f"{path.name}: {error}.") from None
        names = name_classes(loaded, n_classes=answer["n_classes"])
        return Explanation(answer=answer, photograph=path.read_bytes(), names=names, known=self._know(answer))

    def _know(self, answer: dict[str, Any]) -> Layer | None:
        """The dissected layer that the explanation's units are of, if it is one of ours."""
        head = answer["head"]
        paths = [head["layer"], *head["same"]] if head else [answer["layer"]]
        return next((self.layers[path] for path in paths if path in self.layers), None)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes everything into one file, whole or not at all; `unitscope.open_dissection` reads it.

        Raises OSError.
        """
        target = Path(path).expanduser()
        fresh = target.with_name(f".{target.name}.new")
        try:
            with zipfile.ZipFile(fresh, "w") as file:
                for name in self._names():
                    file.writestr(zipfile.ZipInfo(name), self._artifact.read(name))
            fresh.replace(target)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(target)) from None
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
        return target

    def publish(self, url: str, *, token: str, images_name: str = "", progress: bool = True) -> Published:
        """Sends everything to the dashboard at that address, where the units have pages from then on.

        What broke off goes on; what is there already is found.

        token: of the page People and tokens, one that may act, of a researcher. images_name: what the image set is
        called there if it is not there yet. Raises CannotPublish.
        """
        with tempfile.TemporaryDirectory(prefix="unitscope-") as folder, show_bytes(progress) as advance:
            path = self.save(Path(folder) / "run.unitscope")
            name = images_name or self.images_name or "images"
            return publish(path, url=url, token=token, images_name=name, progress=advance)

    def _names(self) -> list[str]:
        if isinstance(self._files, zipfile.ZipFile):
            return sorted(self._files.namelist())
        return sorted(self._files.store.names())

    def __repr__(self) -> str:
        return f"<Dissection of {self._title()}>"

    def _title(self) -> str:
        n_units = sum(len(layer) for layer in self)
        found, images = self.manifest["network"], self.manifest["image_set"]
        units, over = say_count(n_units, "unit"), say_count(images["n_images"], "image")
        return f"{found['architecture']}: {units} of {', '.join(self.layers)} over {over}"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._title())}</p>" + "".join(layer._repr_html_() for layer in self)


def open_dissection(path: str | os.PathLike[str]) -> Dissection:
    """What `Dissection.save` wrote. Raises OSError, ArtifactMalformed; so does what reads a damaged part later."""
    name = Path(path).name
    try:
        file = zipfile.ZipFile(Path(path).expanduser())
    except DAMAGED:
        raise ArtifactMalformed(f"{name} is no saved dissection.") from None

    def read(part: str) -> bytes:
        try:
            return file.read(part)
        except DAMAGED:
            raise ArtifactMalformed(f"{name} is damaged ({part}): copy or save it again.") from None

    if MANIFEST not in file.namelist():
        raise ArtifactMalformed(f"{name} is no saved dissection: it has no manifest.")
    return Dissection(artifact=read_artifact(read), files=file)
