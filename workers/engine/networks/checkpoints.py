"""Read a checkpoint: tensors by name, wherever they lie in it. A checkpoint is data and is never executed."""

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workers.engine.networks.stand_ins import KNOWN, PickledNetwork, list_stand_ins

Tensors = dict[str, torch.Tensor]
# Parts of a checkpoint that hold no network's weights.
NO_WEIGHTS = ("optim", "sched", "scaler", "rng", "loss")
MAX_DEPTH = 4
# Where a safetensors file states the names of the classes, as a JSON list.
CLASSES = "classes"
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.safetensors")


class NetworkError(Exception):
    """The network cannot be used; the message says why."""


class CheckpointUnreadable(NetworkError):
    """The weights file cannot be read as plain tensors."""


def read_checkpoint(path: Path) -> dict[str, Tensors]:
    """Groups of tensors by name, each under its place in the file ("" for the file itself, `model_ema`, `a.b`).

    From safetensors, an index of several of them, or a pickle. Raises CheckpointUnreadable.
    """
    try:
        if path.suffix in (".safetensors", ".json"):
            return {"": _read_safetensors(path)}
        content = _read_pickle(path)
    except CheckpointUnreadable:
        raise
    except FileNotFoundError:
        raise CheckpointUnreadable(f"{path.name}: there is no such file.") from None
    except pickle.UnpicklingError as error:
        raise CheckpointUnreadable(_refuse_pickle(path, first_line(error))) from None
    except MemoryError:
        raise CheckpointUnreadable(f"{path.name} states tensors too large for this machine.") from None
    except Exception as error:
        # A broken file surfaces as any of a dozen exceptions of zip, pickle and safetensors.
        raise CheckpointUnreadable(
            f"{path.name} cannot be read as a checkpoint: {first_line(error)}\n"
            "Give a .safetensors file, or what torch.save wrote of a state_dict()."
        ) from None
    groups = dict(_find_groups(content, ""))
    if not groups:
        raise CheckpointUnreadable(
            f"{path.name} holds no tensors by name, but {_spell_content(content)}.\n"
            f"Save the network's state_dict() alone, and give that file."
        )
    return groups


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names of the classes, if the file states them as `fit` does; else empty, as for a file that is unreadable."""
    if path.suffix != ".safetensors":
        return ()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = json.loads((file.metadata() or {}).get(CLASSES, "[]"))
    except (SafetensorError, OSError, ValueError):
        return ()
    is_list = isinstance(names, list) and all(isinstance(one, str) for one in names)
    return tuple(names) if is_list else ()


def _read_pickle(path: Path) -> Any:
    """What torch.save wrote, with stand-ins for objects of other programs."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except ValueError as error:
        if "torchscript" in str(error):
            raise CheckpointUnreadable(
                f"{path.name} is a TorchScript program, which would have to be run.\n"
                "Save the state_dict() of the network that it was made from, and give that file."
            ) from None
        names = KNOWN
    stand_ins, strange = list_stand_ins(names)
    if strange:
        raise CheckpointUnreadable(_refuse_pickle(path, f"it needs {', '.join(strange[:4])}."))
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(path, map_location="cpu", weights_only=True)


def _refuse_pickle(path: Path, why: str) -> str:
    return (
        f"{path.name} holds more than tensors and settings, and is not loaded because that could execute code: {why}\n"
        "Save the network's state_dict() alone, in the program that wrote the file, and give that file."
    )


def _spell_content(content: object) -> str:
    if not isinstance(content, Mapping):
        return f"one {type(content).__name__}"
    keys = ", ".join(map(repr, list(content)[:6]))
    return f"the entries {keys}" if keys else "no entry"


def _find_groups(content: object, place: str) -> Iterator[tuple[str, Tensors]]:
    if isinstance(content, PickledNetwork):
        content = dict(content.list_tensors())
    elif isinstance(content, (list, tuple)):
        content = dict(enumerate(content))
    if not isinstance(content, Mapping):
        return
    named = {key: _as_tensor(one) for key, one in content.items() if isinstance(key, str)}
    if tensors := {key: one for key, one in named.items() if one is not None}:
        yield place, tensors
    for key, inner in content.items():
        if place.count(".") < MAX_DEPTH - 1 and not str(key).lower().startswith(NO_WEIGHTS):
            yield from _find_groups(inner, f"{place}.{key}".lstrip("."))


def _as_tensor(value: object) -> torch.Tensor | None:
    """Tensors of any kind as plain ones; arrays of numbers are tensors, too."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return torch.from_numpy(np.array(value))
    if not isinstance(value, torch.Tensor):
        return None
    plain = value.dequantize() if value.is_quantized else value
    return plain if plain.layout is torch.strided else plain.to_dense()


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
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    # torch puts advice before the reason.
    lines = said.rpartition("WeightsUnpickler error:")[2].strip().splitlines()
    return (lines[0][:200] if lines else type(error).__name__).rstrip(".") + "."
