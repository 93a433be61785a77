"""Fill a network with the tensors of a checkpoint, whatever wraps them: which group, which prefix, which classifier."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from workers.engine.networks.checkpoints import NetworkError, Tensors, first_line, keeps_numbers, spell_kind
from workers.engine.networks.hooks import split_call
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
# What stands after a network's last layer of features, or beside it in training.
HEADS = (
    "fc", "classifier", "head", "heads", "head_dist", "linear", "last_linear", "AuxLogits", "aux1", "aux2",
    "n_averaged", "projector", "projection_head", "projection", "proj_head", "contrast_head", "predictor", "prototypes",
    "queue", "queue_ptr", "mlp_head", "logit_scale", "criterion", "loss", "loss_fn", "arcface", "mask_token",
    "masked_embed",
    "decoder", "decoder_embed", "decoder_pos_embed", "decoder_blocks", "decoder_norm", "decoder_pred",
    "aux_classifier", "decode_head", "auxiliary_head", "rpn", "roi_heads",
)  # fmt: skip
# So many keys of each fault are named.
N_NAMED = 4
# Tensors whose shape depends on the size of the images.
PLACES = re.compile(r"pos_?embed|position_embed|positional_embed")
NO_NAMES: Mapping[str, str] = {}
# Tokens without a place that may stand among them.
MAX_OTHER_TOKENS = 10
# Counters that profilers leave beside each module.
COUNTERS = ("total_ops", "total_params", "num_batches_tracked")


class CheckpointMismatch(NetworkError):
    """The checkpoint does not fit the architecture; the message names the keys."""


@dataclass(frozen=True)
class Fit:
    """The tensors of one group with a prefix taken off, and the keys that do not go with the module."""

    place: str
    prefix: str
    tensors: Tensors
    added: str = ""
    unwrapped: tuple[str, ...] = ()
    spelled: str = ""
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)
    miscast: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Keys of the module for which the file has no tensor that can be copied."""
        return [*self.missing, *self.misshapen, *self.miscast]

    def fits(self, spared: Sequence[str]) -> bool:
        """True if all is there but keys of heads that no layer needs, and nothing is left over but heads."""
        is_head = {key.partition(".")[0] for key in self.wrong} <= set(spared)
        return is_head and not self.strange

    @property
    def strange(self) -> list[str]:
        """Keys that the module lacks and that belong to no head: the file is of another network."""
        return [
            key for key in self.unexpected
            if key.partition(".")[0] not in HEADS and not key.endswith(COUNTERS) and self.tensors[key].numel() > 1
        ]  # fmt: skip

    def describe(self) -> str:
        """Where the tensors were found, in words."""
        words = []
        if self.place:
            words.append(f"under {self.place!r}")
        if self.prefix:
            words.append(f"with the prefix {self.prefix!r}")
        if self.added:
            words.append(f"as those of {self.added.rstrip('.')!r}")
        if self.spelled:
            words.append(self.spelled)
        if self.unwrapped:
            words.append(f"without {' and '.join(self.unwrapped)} in their names")
        return " ".join(words)


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
        raise CheckpointMismatch(_refuse(name, fits[0], groups, module))
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
        words.append(f"Its classifier was not used: no layer needs it, and a seed draws {_some(wrong)}.")
    return " ".join(words)


def _refuse(name: str, best: Fit, groups: dict[str, Tensors], module: nn.Module) -> str:
    """What was found, and on a second line what would help."""
    wanted = module.state_dict()
    misshapen = [f"{key} ({_shape(best.tensors[key])} instead of {_shape(wanted[key])})" for key in best.misshapen]
    miscast = [f"{key} ({spell_kind(best.tensors[key])} instead of {spell_kind(wanted[key])})" for key in best.miscast]
    faults = [
        ("missing", best.missing), ("unexpected", best.unexpected), ("of another shape", misshapen),
        ("of numbers of another kind", miscast),
    ]  # fmt: skip
    words = "; ".join(f"{len(keys)} {what}: {_some(keys)}" for what, keys in faults if keys)
    where = f" Best {best.describe()}." if best.describe() else ""
    held = [f"{len(tensors)} under {place!r}" for place, tensors in groups.items() if place]
    what = f" It holds tensors: {', '.join(held[:6])}." if held else ""
    return f"{name} does not fit the network; keys {words}.{where}{what}\n{_advise(best, groups, module)}"


def _advise(best: Fit, groups: dict[str, Tensors], module: nn.Module) -> str:
    wrong = best.wrong
    if best.miscast and not best.missing and not best.misshapen:
        return "Give the file of before it was quantized or turned into complex numbers: float32, float16 or bfloat16."
    if any("lora_" in key for key in best.unexpected):
        return "Its adapters (LoRA) have to be merged into the network before it is saved (merge_and_unload in peft)."
    parts = {name for name, _ in module.named_children()}
    body = [key for key in wrong if key.partition(".")[0] not in HEADS]
    if best.strange and not body and not any(key.partition(".")[0] in parts for key in best.strange):
        but = " but those of its classifier" if wrong else ""
        return (
            f"All tensors of the network{but} are there, and others beside them: save the file without those, if the "
            "network does without them; else name the network that has them."
        )
    if body and not best.strange and all(PLACES.search(key) for key in body) and set(body) <= set(best.misshapen):
        px = _find_input_px(best, module, body[0]) or 384
        return (
            f"The network was trained on images of another size: state it, as in --network timm:NAME?img_size={px} or "
            f"transformers:NAME?img_size={px}."
        )
    if best.misshapen and not any(best.tensors[key].numel() for key in best.misshapen):
        return (
            "Its tensors are empty: their numbers lie in parts that several processes wrote. Make one file of the "
            "parts; DeepSpeed writes zero_to_fp32.py beside them, which does it."
        )
    if {key.partition(".")[0] for key in best.missing} == {"norm"} and any("fc_norm." in key for key in best.strange):
        return "It was trained with the mean of its tokens: give --network timm:NAME?global_pool=avg."
    if not best.strange and wrong and all(key.partition(".")[0] in HEADS for key in wrong):
        return "Only the classifier does not fit: it is needed for classes, and not to dissect a layer before it."
    return suggest(groups)


def _find_input_px(best: Fit, module: nn.Module, places: str) -> int | None:
    """The side of the images that the positions in the file are for, if the patches tell it."""
    kernels = (one.shape[-1] for key, one in best.tensors.items() if "patch" in key and one.ndim == 4)
    n_own, n_wanted = (one[places].shape[-2:-1].numel() for one in (best.tensors, module.state_dict()))
    for n_others in range(MAX_OTHER_TOKENS):
        own, wanted = (math.isqrt(max(n - n_others, 0)) for n in (n_own, n_wanted))
        if own and wanted and own**2 == n_own - n_others and wanted**2 == n_wanted - n_others:
            patch_px = next(kernels, 0)
            return own * patch_px or None
    return None


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:N_NAMED]) + (f" and {len(keys) - N_NAMED} more" if len(keys) > N_NAMED else "")
