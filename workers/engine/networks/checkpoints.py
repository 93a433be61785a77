"""Read a checkpoint: tensors by name, wherever they lie in it. A checkpoint is data and is never executed."""

import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch

from workers.engine.networks.foreign_files import CUT_OFF, SAVE_AGAIN, find_foreign
from workers.engine.networks.pickle_nesting import demand_flat
from workers.engine.networks.stand_in_arrays import Array
from workers.engine.networks.stand_ins import KNOWN, PickledNetwork, list_stand_ins
from workers.engine.plurals import say_count

Tensors = dict[str, torch.Tensor]
# Parts of a checkpoint that hold no network's weights.
NO_WEIGHTS = ("optim", "sched", "scaler", "rng", "loss")
MAX_DEPTH = 4
MAX_ENTRIES = 10_000_000
MAX_NAME = 10_000
# Bytes of the name of a file, as most file systems take them.
MAX_FILE_NAME = 255
# Numbers of one tensor that is stored sparse or in few bits: 4 GiB once it is spread out.
MAX_SPREAD = 2**30
# Where a safetensors file states the names of the classes, as a JSON list.
CLASSES = "classes"
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.(safetensors|bin)")
# How torch's errors begin for a file of before its release 1.6 that ends too early.
ENDS_EARLY = ("unexpected EOF", "Ran out of input")


class NetworkError(Exception):
    """The network cannot be used; the message says why."""


class CheckpointUnreadable(NetworkError):
    """The weights file cannot be read as plain tensors."""


def read_checkpoint(path: Path) -> dict[str, Tensors]:
    """Groups of tensors by name, each under its place in the file ("" for the file itself, `model_ema`, `a.b`).

    From safetensors, a pickle, or several of either with their index. Raises CheckpointUnreadable.
    """
    try:
        if path.suffix.lower() in (".safetensors", ".json") or SHARD.fullmatch(path.name):
            return {"": _read_shards(path)}
        content = _read_pickle(path)
        groups = dict(_find_groups(content, "", Entries(path.name)))
    except CheckpointUnreadable:
        raise
    except FileNotFoundError:
        raise CheckpointUnreadable(f"{path.name}: there is no such file.") from None
    except pickle.UnpicklingError as error:
        said = find_foreign([path]) or _refuse_pickle(path, first_line(error))
        raise CheckpointUnreadable(said) from None
    except MemoryError:
        raise CheckpointUnreadable(f"{path.name} states tensors too large for this machine.") from None
    except RecursionError:
        raise CheckpointUnreadable(f"{path.name} holds parts in parts too deep, or one that holds itself.") from None
    except Exception as error:
        # A broken file surfaces as any of a dozen exceptions of zip, pickle and safetensors.
        files = [one for one in list_files(path) if one.suffix.lower() != ".json"]
        said = find_foreign(files) or (
            f"{path.name} {CUT_OFF}" if str(error).startswith(ENDS_EARLY)
            else f"{path.name} cannot be read as a checkpoint: {first_line(error)}"
        )  # fmt: skip
        raise CheckpointUnreadable(said if "\n" in said else f"{said}{SAVE_AGAIN}") from None
    if not groups:
        raise CheckpointUnreadable(
            f"{path.name} holds no tensors by name, but {_spell_content(content)}.\n"
            f"Save the network's state_dict() alone, and give that file."
        )
    return groups


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names of the classes, if the file states them as `fit` does; else empty, as for a file that is unreadable."""
    if path.suffix.lower() != ".safetensors":
        return ()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = json.loads((file.metadata() or {}).get(CLASSES, "[]"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        return ()
    is_list = isinstance(names, list) and all(isinstance(one, str) for one in names)
    return tuple(names) if is_list else ()


def _read_pickle(path: Path) -> Any:
    """What torch.save wrote, with stand-ins for objects of other programs."""
    demand_flat(path)
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
    if not isinstance(content, dict):
        return f"one {type(content).__name__}"
    keys = ", ".join(repr(key)[:80] if isinstance(key, (str, int)) else type(key).__name__ for key in list(content)[:6])
    return f"the entries {keys}" if keys else "no entry"


class Entries:
    """Counts what is met in a file. A file of a few lines can hold itself, or name its parts in billions of ways."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def meet(self, n: int) -> None:
        """Raises CheckpointUnreadable."""
        self.count += n
        if self.count > MAX_ENTRIES:
            raise CheckpointUnreadable(
                f"{self.name} holds more than {MAX_ENTRIES:,} entries, or holds itself.\n"
                "Save the network's state_dict() alone, and give that file."
            )


def _find_groups(content: object, place: str, entries: Entries) -> Iterator[tuple[str, Tensors]]:
    """Raises CheckpointUnreadable, ValueError."""
    if isinstance(content, PickledNetwork):
        found = dict(_list_tensors(content, "", entries))
        items = []
    else:
        items = _list_items(content, entries)
        named = {key: _as_tensor(one) for key, one in items if isinstance(key, str)}
        found = {key: one for key, one in named.items() if one is not None}
    if found:
        yield place, found
    for key, inner in items:
        is_place = isinstance(key, (str, int)) and not str(key).lower().startswith(NO_WEIGHTS)
        if is_place and place.count(".") < MAX_DEPTH - 1:
            yield from _find_groups(inner, f"{place}.{key}".lstrip("."), entries)


def _list_items(content: object, entries: Entries) -> list[tuple[Any, Any]]:
    """What lies in it, by name or number. A file can give a mapping methods of its own, which are not called."""
    if isinstance(content, (list, tuple)):
        entries.meet(len(content))
        return [(i, one) for i, one in enumerate(content) if isinstance(one, (list, tuple, dict, PickledNetwork))]
    if isinstance(content, dict):
        entries.meet(dict.__len__(content))
        return list(dict.items(content))
    return []


def _list_tensors(network: PickledNetwork, prefix: str, entries: Entries) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters and buffers, as state_dict names them. Raises CheckpointUnreadable, ValueError."""
    entries.meet(1)
    if len(prefix) > MAX_NAME:
        raise ValueError(f"a name of a part has more than {MAX_NAME:,} characters.")
    parts = [one for group in network.list_parts() for one in _list_items(group, entries)]
    for name, part in parts:
        if isinstance(part, PickledNetwork):
            yield from _list_tensors(part, f"{prefix}{name}.", entries)
        elif (tensor := _as_tensor(part)) is not None:
            yield f"{prefix}{name}", tensor


def _as_tensor(value: object) -> torch.Tensor | None:
    """Tensors of any kind as plain ones; arrays of numbers are tensors, too. Raises ValueError."""
    if isinstance(value, Array):
        return value.as_tensor()
    if not isinstance(value, torch.Tensor):
        return None
    if value.is_meta:
        raise ValueError("one of its tensors has a shape but no numbers, since it was saved from the device meta.")
    plain = torch.Tensor.detach(value)
    if plain.is_quantized or plain.layout is not torch.strided:
        if plain.numel() > MAX_SPREAD:
            raise ValueError(f"one of its tensors has {say_count(plain.numel(), 'number')} once it is spread out.")
        plain = plain.dequantize() if plain.is_quantized else plain.to_dense()
    return plain


def keeps_numbers(own: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether a copy of the first in the place of the second means the same numbers.

    Whole numbers and floats of one byte in the place of weights are quantized and mean nothing without their scale;
    complex numbers would lose a part.
    """
    if own.is_complex() or wanted.is_complex():
        return own.is_complex() and wanted.is_complex()
    if wanted.is_floating_point():
        return own.is_floating_point() and own.itemsize > 1
    # Programs that halve a whole checkpoint halve its counters and indices, too.
    return not own.is_floating_point() or bool((own.double() == own.double().round()).all())


def spell_kind(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def list_files(path: Path) -> list[Path]:
    """The files that a checkpoint consists of: itself, or all shards that an index or a shard's own name tells of, and
    the index. An index that cannot be read counts alone; reading it says why.
    """
    try:
        shards = list(_map_shards(path))
    except (OSError, CheckpointUnreadable):
        return [path]
    return [*([path] if path not in shards else []), *shards]


def _read_shards(path: Path) -> Tensors:
    """One file, or all shards. Raises CheckpointUnreadable if one is missing or comes from another saving."""
    tensors: Tensors = {}
    for file, names in _map_shards(path).items():
        if not file.is_file():
            raise CheckpointUnreadable(
                f"{path.name} is one of several files and {file.name} is not beside it: put all into one folder."
            )
        found = _read_shard(file)
        missing, twice = sorted(names - found.keys()), sorted(tensors.keys() & found.keys())
        if missing or twice:
            odd, fault = (missing[0], f"is not in {file.name}") if missing else (twice[0], "is in two of its files")
            raise CheckpointUnreadable(
                f"{path.name} is one of several files, and {odd} {fault}: they come from different savings. Save again "
                "into an empty folder."
            )
        tensors |= found
    return tensors


def _read_shard(file: Path) -> Tensors:
    from safetensors.torch import load_file

    if file.suffix.lower() == ".safetensors":
        return load_file(file)
    return dict(_find_groups(_read_pickle(file), "", Entries(file.name))).get("", {})


def _map_shards(path: Path) -> dict[Path, set[str]]:
    """By file, the tensors that an index says it holds; files that no index names say nothing."""
    if path.suffix.lower() == ".json":
        shards: dict[Path, set[str]] = {}
        for tensor, name in sorted(_read_index(path).items()):
            # The index names files of its own folder; whatever else it says is not followed.
            shards.setdefault(path.parent / Path(name).name, set()).add(tensor)
        return dict(sorted(shards.items()))
    if shard := SHARD.fullmatch(path.name):
        names = [f"{shard[1]}-{i:05}-of-{shard[3]}.{shard[4]}" for i in range(1, int(shard[3]) + 1)]
        return {path.with_name(name): set() for name in names}
    return {path: set()}


def _read_index(path: Path) -> dict[str, str]:
    """Tensor -> file. Raises OSError, CheckpointUnreadable."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError, RecursionError):
        index = None
    if not isinstance(index, dict) or not all(map(_is_file_name, index.values())):
        raise CheckpointUnreadable(
            f"{path.name} is no index of shards: its weight_map says which file holds each tensor."
        )
    return index


def _is_file_name(value: object) -> bool:
    """Whether a file system takes it."""
    name = Path(value).name if isinstance(value, str) else ""
    return 0 < len(name.encode(errors="replace")) <= MAX_FILE_NAME and name.isprintable()


def first_line(error: BaseException) -> str:
    """The first line of its message, short and without terminal codes or addresses of objects."""
    said = re.sub(r"\x1b\[[0-9;]*m| ?<[^<>\n]* at 0x[^<>\n]*>", "", str(error))
    # torch puts advice before the reason.
    lines = said.rpartition("WeightsUnpickler error:")[2].strip().splitlines()
    if not lines:
        return f"{type(error).__name__}."
    short = shorten(lines[0], 200, placeholder=" …")
    return short if short.endswith("…") else f"{short.rstrip('.')}."
