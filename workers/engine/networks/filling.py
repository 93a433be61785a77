"""Fill a network with the tensors of a checkpoint, whatever wraps them: which group, which prefix, which classifier."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from workers.engine.networks.checkpoints import NetworkError, Tensors, first_line, keeps_numbers
from workers.engine.networks.fit import HEADS, Fit, name_some
from workers.engine.networks.hooks import split_call
from workers.engine.networks.misfit import refuse
from workers.engine.networks.suggesting import suggest

# Where a training program keeps the weights that it trains, best first; other groups come after these.
PREFERRED = ("", "state_dict", "model_state_dict", "model", "net", "network", "params", "model_ema", "ema", "teacher")
# Words in the names of copies that are taken only if nothing else fits: a student is worse than its teacher (DINO), and
# a mean of past weights, or what follows the trained ones slowly (MoCo, BYOL), is not what was trained.
LATER = {"student": 1, "ema": 2, "momentum": 3, "target": 3, "key": 3, "k": 3}
# Names that wrappers of modules leave in the middle of keys.
WRAPPERS = ("module", "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
# DINOv2 trains its blocks in chunks, `blocks.CHUNK.BLOCK`, and counts them through.
CHUNK = re.compile(r"(^|\.)blocks\.\d+\.(?=\d+\.)")
NO_NAMES: Mapping[str, str] = {}


class CheckpointMismatch(NetworkError):
    """The checkpoint does not fit the architecture; the message names the keys."""


def fill(
    *,
    module: nn.Module,
    groups: dict[str, Tensors],
    name: str,
    layers: Sequence[str] = (),
    saved_names: Mapping[str, str] = NO_NAMES,
) -> str:
    """Copy the tensors of the group and prefix that fit into the module, all or nothing; returns in words what was
    not plain about it. A classifier may be missing or of another size if `layers` are named and none lies in it.
    `saved_names`: what files of its library call the module's keys, if not the same.

    Raises CheckpointMismatch, which names missing, unexpected and misshapen keys, and what would fit.
    """
    spared = _list_spared(module, layers)
    fits = sorted(_list_fits(module, groups, saved_names), key=_rank_fit)
    fitting = [fit for fit in fits if fit.fits(spared)]
    if not fitting:
        raise CheckpointMismatch(refuse(name, fits[0], groups, module))
    chosen = fitting[0]
    wrong = set(chosen.wrong)
    kept = {key: one for key, one in chosen.tensors.items() if key not in {*wrong, *chosen.unexpected}}
    try:
        module.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        raise CheckpointMismatch(f"{name} does not fit the network: {first_line(error)}\n{suggest(groups)}") from None
    return _tell(name, chosen, sorted(wrong), _list_others(chosen, fitting, list(kept)))


def _list_others(chosen: Fit, fitting: list[Fit], keys: list[str]) -> list[str]:
    """Other tensors that fit as well, in words, each once: the same ones may be found in two ways."""
    found: dict[tuple[int, ...], str] = {}
    for fit in [chosen, *(one for one in fitting if len(one.wrong) == len(chosen.wrong))]:
        found.setdefault(tuple(id(fit.tensors.get(key)) for key in keys), fit.describe())
    return sorted(list(found.values())[1:])


def find_classes(*, module: nn.Module, groups: dict[str, Tensors]) -> int | None:
    """The number of classes that the checkpoint's classifier has, if only that keeps it from fitting the module."""
    wanted = module.state_dict()
    for fit in _list_fits(module, groups, NO_NAMES):
        heads = [key for key in fit.misshapen if key.partition(".")[0] in HEADS]
        if heads and not fit.missing and not fit.miscast and len(heads) == len(fit.misshapen):
            shapes = [fit.tensors[key].shape for key in heads]
            is_size = all(len(own) and own[1:] == wanted[key].shape[1:] for key, own in zip(heads, shapes, strict=True))
            sizes = {own[:1].numel() for own in shapes} if is_size else set()
            if len(sizes) == 1 and 0 not in sizes:
                return sizes.pop()
    return None


def _list_spared(module: nn.Module, layers: Sequence[str]) -> list[str]:
    """Top-level modules of a classifier that none of the layers needs: at the end of the network, and not named."""
    if not layers:
        return []
    own = [name for name, _ in module.named_children()]
    named = {split_call(layer)[0].partition(".")[0] for layer in layers}
    last_named = max((own.index(name) for name in named if name in own), default=len(own))
    return [name for place, name in enumerate(own) if name in HEADS and place > last_named]


def _list_fits(module: nn.Module, groups: dict[str, Tensors], saved_names: Mapping[str, str]) -> list[Fit]:
    wanted = module.state_dict()
    # What a file of an earlier version holds, and this one computes.
    computed = {key: one.shape for key, one in module.named_buffers(remove_duplicate=False) if key not in wanted}
    numbered = _number_parts(module, wanted)
    spellings = [({key: key for key in wanted}, ""), (saved_names, ""), (numbered, "by the numbers of its parts")]
    shared = _list_shared(wanted)
    fits: list[Fit] = []
    for place, raw in groups.items():
        for tensors, dropped in _list_renamed(raw):
            for names, words in spellings:
                fits += _list_spelled(Fit(place, "", tensors, unwrapped=dropped, spelled=words), names)
    return [_compare(fit, wanted, computed, shared) for fit in fits]


def _list_renamed(raw: Tensors) -> Iterator[tuple[Tensors, tuple[str, ...]]]:
    """The tensors as they are called, and without what may stand within their names, with what that is in words."""
    yield raw, ()
    if wrappers := tuple(repr(one) for one in WRAPPERS if any(one in key.split(".") for key in raw)):
        yield {unwrap(key): one for key, one in raw.items()}, wrappers
    joined = {CHUNK.sub(r"\1blocks.", key): one for key, one in raw.items()}
    if len(joined) == len(raw) and joined.keys() != raw.keys():
        yield joined, ("the numbers of chunks",)


def _list_shared(wanted: Tensors) -> dict[str, set[str]]:
    """By key of the module, all keys of the same tensor: a file may name it once (safetensors' save_model)."""
    alike: dict[tuple[int, torch.Size, tuple[int, ...]], set[str]] = {}
    for key, one in wanted.items():
        if one.numel() and not one.is_meta:
            alike.setdefault((one.data_ptr(), one.shape, one.stride()), set()).add(key)
    return {key: keys for keys in alike.values() if len(keys) > 1 for key in keys}


def _list_spelled(whole: Fit, names: Mapping[str, str]) -> Iterator[Fit]:
    """With each prefix taken off, or a body's name added; `names`: what a file calls a key of the module."""
    if not names:
        return
    for prefix in _list_prefixes(whole.tensors, names):
        own = {key.removeprefix(prefix): one for key, one in whole.tensors.items() if key.startswith(prefix)}
        yield replace(whole, prefix=prefix, tensors={names.get(key, key): one for key, one in own.items()})
    if (added := _find_body(names)) and not any(key.startswith(added) for key in whole.tensors):
        own = {key if key in names else added + key: one for key, one in whole.tensors.items()}
        yield replace(whole, added=added, tensors={names.get(key, key): one for key, one in own.items()})


def _number_parts(module: nn.Module, wanted: Iterable[str]) -> dict[str, str]:
    """The key of the module by what Sequential(*module.children()) calls it."""
    numbers = {name: str(number) for number, (name, _) in enumerate(module.named_children())}
    parts = ((key.partition("."), key) for key in wanted)
    return {f"{numbers[part]}.{rest}": key for (part, _, rest), key in parts if part in numbers}


def _find_body(wanted: Iterable[str]) -> str:
    """The name of the module in which all tensors lie but those of heads, with a point; empty if there is none. A file
    of that module alone has its names without it.
    """
    names = {key.partition(".")[0] for key in wanted} - set(HEADS)
    return f"{names.pop()}." if len(names) == 1 else ""


def unwrap(key: str) -> str:
    """Without the names that wrappers leave, at the start or in the middle (Places' VGG: features.module.0.weight)."""
    return ".".join(part for part in key.split(".") if part not in WRAPPERS)


def _list_prefixes(tensors: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The empty prefix, and those before which some wanted key stands in the checkpoint; in one order every time."""
    ends = tuple(f".{key}" for key in sorted(wanted, key=len)[-20:])
    found = {key[: -len(end) + 1] for key in tensors for end in ends if key.endswith(end)}
    return ["", *sorted(found, key=_rank_prefix)]


def _rank_prefix(prefix: str) -> tuple[int, int, str]:
    return _rank_words(prefix), len(prefix), prefix


def _rank_words(name: str) -> int:
    return max(LATER.get(word, 0) for word in re.split(r"[._]", name))


def _compare(
    fit: Fit,
    wanted: dict[str, torch.Tensor],
    computed: Mapping[str, torch.Size],
    tied: Mapping[str, set[str]],
) -> Fit:
    # Counters are absent from checkpoints before torch 0.4.1.
    needed, own = {key for key in wanted if not key.endswith("num_batches_tracked")}, fit.tensors
    shared = wanted.keys() & own.keys()
    misshapen = {key for key in shared if own[key].shape != wanted[key].shape}
    return replace(
        fit,
        missing=sorted(key for key in needed - own.keys() if not tied.get(key, set()) & own.keys()),
        unexpected=sorted(key for key in own.keys() - wanted.keys() if own[key].shape != computed.get(key)),
        misshapen=sorted(misshapen),
        miscast=sorted(key for key in shared - misshapen if not keeps_numbers(own[key], wanted[key])),
    )


def _rank_fit(fit: Fit) -> tuple[int, tuple[int, int], bool, tuple[int, int, str]]:
    """The best first: fewest wrong keys, then the place and the prefix where trained weights are."""
    return len(fit.wrong), _rank(fit.place), bool(fit.unwrapped), _rank_prefix(fit.prefix)


def _rank(place: str) -> tuple[int, int]:
    return PREFERRED.index(place) if place in PREFERRED else len(PREFERRED), _rank_words(place)


def _tell(name: str, chosen: Fit, wrong: list[str], others: list[str]) -> str:
    words = [f"{name}: the tensors {chosen.describe()} were taken."] if chosen.describe() else []
    if others:
        words.append(f"Those {', '.join(others)} would fit, too.")
    if wrong:
        words.append(f"Its classifier was not used: no layer needs it, and a seed draws {name_some(wrong)}.")
    return " ".join(words)
