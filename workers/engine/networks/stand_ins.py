"""What stands for the objects of other programs while a checkpoint is read: nothing of theirs is imported or run.

Files of training programs hold more than tensors: arguments, paths, optimizers, whole networks. A name on the lists
here is read as an object that keeps nothing, or as a network that keeps its tensors; any other name refuses the file.
"""

from collections import OrderedDict
from typing import Any

from workers.engine.networks.stand_in_arrays import ARRAYS

# Settings of training programs, most of them mappings.
_MAPPINGS = frozenset((
    "collections.defaultdict", "omegaconf.dictconfig.DictConfig", "yacs.config.CfgNode", "easydict.EasyDict",
    "ml_collections.config_dict.config_dict.ConfigDict", "addict.addict.Dict", "mmengine.config.config.ConfigDict",
    "fvcore.common.config.CfgNode", "detectron2.config.config.CfgNode", "lightning_utilities.core.enums.StrEnum",
    "pytorch_lightning.utilities.parsing.AttributeDict", "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict", "lightning.fabric.utilities.data.AttributeDict",
))  # fmt: skip
# Lists of another kind, as training programs keep their last losses in.
_LISTS = frozenset(("collections.deque",))
_BUILTINS = "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple".split()  # noqa: SIM905
_INERT = frozenset((
    "argparse.Namespace", "types.SimpleNamespace", "collections.Counter", "collections.OrderedDict", "typing.Any",
    "collections.UserList",
    "functools.partial", "copyreg._reconstructor", "uuid.UUID", "decimal.Decimal", "fractions.Fraction",
    "random.Random", "torch.Generator", "builtins.getattr", "PIL.Image.Resampling",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _BUILTINS),
))  # fmt: skip
_INERT_FROM = (
    "datetime.", "pathlib.", "omegaconf.", "numpy.random.", "torch.optim.", "torch.amp.", "torch.cuda.amp.",
    "torch.utils.data.", "torch._C.Generator", "torchvision.transforms.", "timm.optim.", "timm.scheduler.",
    "lightning_fabric.", "pytorch_lightning.", "lightning.", "transformers.trainer", "transformers.training_args",
    "accelerate.", "mmengine.", "mmcv.", "torch._C._nn.",
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


class InertMapping:
    """Stands for a mapping of another program: what is made is an OrderedDict, of which torch lets a file set entries
    and attributes.
    """

    def __new__(cls, *given: object, **named: object) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()


class InertList:
    """Stands for a list of another program: what is made is a list, to which torch lets a file add entries."""

    def __new__(cls, *given: object, **named: object) -> list[Any]:  # type: ignore[misc]
        return []


class PickledNetwork(Inert):
    """Stands for a network that was saved whole: keeps its tensors, parts of parts by their names."""

    def __init__(self, *given: object, **named: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def list_parts(self) -> list[object]:
        """Parameters, buffers and parts, each a mapping by their names if the file is sound."""
        state: dict[str, Any] = getattr(self, "state", {})
        return [dict.get(state, kind) for kind in ("_parameters", "_buffers", "_modules")]


def list_stand_ins(names: list[str]) -> tuple[list[Any], list[str]]:
    """Pairs of what stands for a name and the name, as torch.serialization.safe_globals takes them; and the names on
    no list.
    """
    found = {name: _find(name) for name in sorted(names)}
    known = [(one, name) for name, one in found.items() if one is not None]
    return known, [name for name, one in found.items() if one is None]


# For files of before torch 1.6, in which names cannot be listed before they are read.
KNOWN = [*ARRAYS, *_MAPPINGS, *_LISTS, *_INERT, "pathlib.PosixPath", "pathlib.Path", "datetime.datetime"]


def _find(name: str) -> Any:
    if name in ARRAYS:
        return ARRAYS[name]
    if name in _MAPPINGS:
        return InertMapping
    if name in _LISTS:
        return InertList
    if name in _INERT or name.startswith(_INERT_FROM):
        return Inert
    return PickledNetwork if name.startswith(_NETWORKS_FROM) else None
