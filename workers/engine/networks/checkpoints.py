"""Read a checkpoint: tensors by name, wherever they lie in it. A checkpoint is data and is never executed.

Files of training programs hold more than tensors: arguments, paths, numbers of numpy. What is on the list INERT is read
as an object that does nothing; anything else refuses the file.
"""

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]
# Parts of a checkpoint that hold no network's weights.
NO_WEIGHTS = ("optim", "sched", "scaler", "rng", "loss")
MAX_DEPTH = 4
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.safetensors")
INERT = (
    "argparse.Namespace", "types.SimpleNamespace", "collections.defaultdict", "datetime.datetime",
    "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath",
    "pathlib._local.Path", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct", "numpy.dtype", "numpy.ndarray", "_codecs.encode",
    *(f"numpy.dtypes.{kind}DType" for kind in (
        "Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt32", "UInt64", "Float16", "Float32", "Float64", "Str",
    )),
    "omegaconf.dictconfig.DictConfig", "omegaconf.listconfig.ListConfig", "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata", "omegaconf.nodes.AnyNode", "yacs.config.CfgNode", "easydict.EasyDict",
    "ml_collections.config_dict.config_dict.ConfigDict", "typing.Any", "torch._utils._rebuild_device_tensor_from_numpy",
)  # fmt: skip


class NetworkError(Exception):
    """The network cannot be used; the message says why."""


class CheckpointUnreadable(NetworkError):
    """The weights file cannot be read as plain tensors."""


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


def read_checkpoint(path: Path) -> dict[str, Tensors]:
    """Groups of tensors by name, each under its place in the file ("" for the file itself, `model_ema`, `a.b`).

    From safetensors, an index of several of them, or a pickle. Raises CheckpointUnreadable.
    """
    try:
        if path.suffix in (".safetensors", ".json"):
            return {"": _read_safetensors(path)}
        # Each as (what stands for it, its name in the file): nothing is imported.
        stand_ins: list[Any] = [(Inert, name) for name in INERT]
        with torch.serialization.safe_globals(stand_ins):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointUnreadable:
        raise
    except FileNotFoundError:
        raise CheckpointUnreadable(f"{path.name}: there is no such file.") from None
    except pickle.UnpicklingError as error:
        raise CheckpointUnreadable(
            f"{path.name} holds more than tensors and settings, and is not loaded because that could execute code: "
            f"{first_line(error)} Save its state_dict() alone."
        ) from None
    except MemoryError:
        raise CheckpointUnreadable(f"{path.name} states tensors too large for this machine.") from None
    except Exception as error:
        # A broken file surfaces as any of a dozen exceptions of zip, pickle and safetensors.
        raise CheckpointUnreadable(f"{path.name} cannot be read as a checkpoint: {first_line(error)}") from None
    if not isinstance(content, Mapping):
        raise CheckpointUnreadable(f"{path.name} holds a {type(content).__name__}, not tensors by name.")
    groups = dict(_find_groups(content, ""))
    if not groups:
        raise CheckpointUnreadable(f"{path.name} holds no tensors by name.")
    return groups


def _find_groups(content: Mapping[Any, Any], place: str) -> Iterator[tuple[str, Tensors]]:
    tensors = {key: one for key, one in content.items() if isinstance(key, str) and isinstance(one, torch.Tensor)}
    if tensors:
        yield place, tensors
    for key, inner in content.items():
        is_part = isinstance(key, str) and isinstance(inner, Mapping) and place.count(".") < MAX_DEPTH - 1
        if is_part and not key.lower().startswith(NO_WEIGHTS):
            yield from _find_groups(inner, f"{place}.{key}".lstrip("."))


def list_files(path: Path) -> list[Path]:
    """The files that a checkpoint consists of: itself, or all shards that an index or a shard's own name tells of, and
    the index. An index that cannot be read counts alone; reading it says why.
    """
    try:
        shards = list(_map_shards(path))
    except (OSError, CheckpointUnreadable):
        return [path]
    return [*([path] if path not in shards else []), *shards]


def _read_safetensors(path: Path) -> Tensors:
    """One file, or all shards. Raises CheckpointUnreadable if one is missing or comes from another saving."""
    from safetensors.torch import load_file

    tensors: Tensors = {}
    for file, names in _map_shards(path).items():
        if not file.is_file():
            raise CheckpointUnreadable(
                f"{path.name} is one of several files and {file.name} is not beside it: put all into one folder."
            )
        found = load_file(file)
        missing, twice = sorted(names - found.keys()), sorted(tensors.keys() & found.keys())
        if missing or twice:
            odd, fault = (missing[0], f"is not in {file.name}") if missing else (twice[0], "is in two of its files")
            raise CheckpointUnreadable(
                f"{path.name} is one of several files, and {odd} {fault}: they come from different savings. Save again "
                "into an empty folder."
            )
        tensors |= found
    return tensors


def _map_shards(path: Path) -> dict[Path, set[str]]:
    """By file, the tensors that an index says it holds; files that no index names say nothing."""
    if path.suffix == ".json":
        shards: dict[Path, set[str]] = {}
        for tensor, name in sorted(_read_index(path).items()):
            # The index names files of its own folder; whatever else it says is not followed.
            shards.setdefault(path.parent / Path(name).name, set()).add(tensor)
        return dict(sorted(shards.items()))
    if shard := SHARD.fullmatch(path.name):
        n_shards = int(shard[3])
        return {path.with_name(f"{shard[1]}-{i:05}-of-{shard[3]}.safetensors"): set() for i in range(1, n_shards + 1)}
    return {path: set()}


def _read_index(path: Path) -> dict[str, str]:
    """Tensor -> file. Raises OSError, CheckpointUnreadable."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError, RecursionError):
        index = None
    if not isinstance(index, dict) or not all(isinstance(name, str) and Path(name).name for name in index.values()):
        raise CheckpointUnreadable(
            f"{path.name} is no index of safetensors files: its weight_map says which file holds each tensor."
        )
    return index


def first_line(error: Exception) -> str:
    """The first line of its message, short and without terminal codes."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return (lines[0][:200] if lines else type(error).__name__).rstrip(".") + "."
