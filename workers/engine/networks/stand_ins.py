"""What stands for the objects of other programs while a checkpoint is read: nothing of theirs is imported or run.

Files of training programs hold more than tensors: arguments, paths, optimizers, whole networks. A name on the lists
here is read as an object that keeps nothing, or as a network that keeps its tensors; any other name refuses the file.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

# Numbers of numpy are read as such; what is made of them is data.
_ARRAYS: dict[str, Any] = {
    "numpy.dtype": np.dtype,
    "numpy.ndarray": np.ndarray,
    **{f"numpy.{core}.multiarray.{name}": getattr(np._core.multiarray, name)  # type: ignore[attr-defined]
       for core in ("core", "_core") for name in ("_reconstruct", "scalar")},
}  # fmt: skip
# A file names numpy.dtype; what is made of it is of one of these classes.
_NUMBER_TYPES = [
    (getattr(np.dtypes, name), f"numpy.dtypes.{name}") for name in dir(np.dtypes) if name.endswith("DType")
]
# Settings of training programs, most of them mappings.
_MAPPINGS = frozenset((
    "collections.defaultdict", "omegaconf.dictconfig.DictConfig", "yacs.config.CfgNode", "easydict.EasyDict",
    "ml_collections.config_dict.config_dict.ConfigDict", "addict.addict.Dict", "mmengine.config.config.ConfigDict",
    "fvcore.common.config.CfgNode", "detectron2.config.config.CfgNode", "lightning_utilities.core.enums.StrEnum",
    "pytorch_lightning.utilities.parsing.AttributeDict", "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict", "lightning.fabric.utilities.data.AttributeDict",
))  # fmt: skip
_BUILTINS = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple".split()  # noqa: SIM905
_INERT = frozenset((
    "argparse.Namespace", "types.SimpleNamespace", "collections.Counter", "collections.OrderedDict", "typing.Any",
    "functools.partial", "copyreg._reconstructor", "uuid.UUID", "decimal.Decimal", "fractions.Fraction",
    "random.Random", "torch._utils._rebuild_device_tensor_from_numpy", "torch.Generator",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _BUILTINS),
))  # fmt: skip
_INERT_FROM = (
    "datetime.", "pathlib.", "omegaconf.", "numpy.random.", "torch.optim.", "torch.amp.", "torch.cuda.amp.",
    "torch.utils.data.", "torch._C.Generator", "torchvision.transforms.", "timm.optim.", "timm.scheduler.",
    "lightning_fabric.", "pytorch_lightning.", "lightning.", "transformers.trainer", "transformers.training_args",
    "accelerate.", "mmengine.", "mmcv.",
)  # fmt: skip
_NETWORKS_FROM = ("torch.nn.", "torchvision.models.", "torchvision.ops.", "timm.models.", "timm.layers.")


class Inert:
    """Stands for an object of another program: takes whatever that was made of, and keeps nothing."""

    def __new__(cls, *given: object, **named: object) -> "Inert":
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass


class InertMapping(dict[Any, Any]):
    """Stands for a mapping of another program: keeps its entries alone."""

    def __new__(cls, *given: object, **named: object) -> "InertMapping":
        return super().__new__(cls)

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        pass


class PickledNetwork(Inert):
    """Stands for a network that was saved whole: keeps its tensors, parts of parts by their names."""

    def __init__(self, *given: object, **named: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def list_tensors(self, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
        """Parameters and buffers, as state_dict names them."""
        state: dict[str, Any] = getattr(self, "state", {})
        for kind in ("_parameters", "_buffers"):
            for name, tensor in dict(state.get(kind) or {}).items():
                if isinstance(tensor, torch.Tensor):
                    yield f"{prefix}{name}", tensor
        for name, part in dict(state.get("_modules") or {}).items():
            if isinstance(part, PickledNetwork):
                yield from part.list_tensors(f"{prefix}{name}.")


def list_stand_ins(names: list[str]) -> tuple[list[Any], list[str]]:
    """Pairs of what stands for a name and the name, as torch.serialization.safe_globals takes them; and the names on
    no list.
    """
    found = {name: _find(name) for name in sorted(names)}
    known = [(one, name) for name, one in found.items() if one is not None]
    return [*known, *_NUMBER_TYPES], [name for name, one in found.items() if one is None]


# For files of before torch 1.6, in which names cannot be listed before they are read.
KNOWN = [*_ARRAYS, *_MAPPINGS, *_INERT, "_codecs.encode", "pathlib.PosixPath", "pathlib.Path", "datetime.datetime"]


def _find(name: str) -> Any:
    if name in _ARRAYS:
        return _ARRAYS[name]
    if name == "_codecs.encode":
        return _encode
    if name in _MAPPINGS:
        return InertMapping
    if name in _INERT or name.startswith(_INERT_FROM):
        return Inert
    return PickledNetwork if name.startswith(_NETWORKS_FROM) else None


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How pickles of protocol 2 write bytes; no other encoding occurs in them."""
    return text.encode("latin1") if encoding in ("latin1", "latin-1") else b""
