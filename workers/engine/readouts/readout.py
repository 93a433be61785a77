"""A read-out as it is kept: arrays in safetensors and plain values in JSON, so that reading one executes no code."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from workers.engine.networks.loading import LoadedNetwork
from workers.engine.readouts.linear import Linear
from workers.engine.readouts.options import ReadoutInvalid

FORMAT = 1
# The second one is written last, and states the digest of the first.
TENSORS, ABOUT = "readout.safetensors", "readout.json"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Readout:
    """`network` is what it was fitted to, as LoadedNetwork.describe states it; `layer` whose units it reads, `n_units`
    of them. `facts` and `arrays` are what the task keeps (tasks/): of linear ones `names` of the answers, `weight` and
    `bias`.
    """

    task: str
    network: dict[str, Any]
    layer: str
    n_units: int
    facts: dict[str, Any]
    arrays: Arrays

    @property
    def linear(self) -> Linear:
        return Linear(self.arrays["weight"], self.arrays["bias"])

    @property
    def names(self) -> list[str]:
        """Of the answers."""
        return list(self.facts["names"])

    def find_answer(self, name: str) -> int:
        """Raises ReadoutInvalid."""
        if name not in self.names:
            some = ", ".join(self.names[:20])
            raise ReadoutInvalid(f"The read-out has no answer {name[:60]!r}. Its answers: {some}.")
        return self.names.index(name)

    def demand(self, network: LoadedNetwork) -> None:
        """Raises ReadoutInvalid if the network is not the one that the read-out was fitted to."""
        found = network.describe()
        changed = [name for name in found.keys() | self.network.keys() if found.get(name) != self.network.get(name)]
        if changed:
            said = " and ".join(sorted(name.replace("_sha256", "").replace("_", " ") for name in changed))
            raise ReadoutInvalid(
                f"The network changed since the read-out was fitted ({said}): its weights would be read with units "
                "that they do not belong to. Give the network of before, or fit the read-out again"
            )

    def write(self, save_file: Callable[[str, bytes], None]) -> None:
        """Two files; the second one makes them count."""
        data = save({name: np.ascontiguousarray(array) for name, array in self.arrays.items()})
        told = {
            "format": FORMAT,
            "sha256": hashlib.sha256(data).hexdigest(),
            **{name: getattr(self, name) for name in ("task", "network", "layer", "n_units", "facts")},
        }
        save_file(TENSORS, data)
        save_file(ABOUT, json.dumps(told).encode())

    @classmethod
    def read(cls, read_file: Callable[[str], bytes]) -> "Readout":
        """Raises ReadoutInvalid, and what `read_file` raises."""
        try:
            told, data = json.loads(read_file(ABOUT)), read_file(TENSORS)
            if told["format"] != FORMAT:
                raise ReadoutInvalid(f"The read-out has format {told['format']}; this version reads format {FORMAT}.")
            if told["sha256"] != hashlib.sha256(data).hexdigest():
                raise ReadoutInvalid("The read-out's file is damaged. Restore it from a backup, or fit it again")
            names = ("task", "network", "layer", "n_units", "facts")
            return cls(**{name: told[name] for name in names}, arrays=load(data))
        except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
            raise ReadoutInvalid(f"The read-out cannot be read: {error}.") from None
