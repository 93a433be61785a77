"""Why a checkpoint does not fit a network, in words, and what would help."""

import math
import re

import torch
from torch import nn

from workers.engine.networks.checkpoints import Tensors, spell_kind
from workers.engine.networks.fit import HEADS, Fit, name_some
from workers.engine.networks.suggesting import suggest

# Tensors whose shape depends on the size of the images.
PLACES = re.compile(r"pos_?embed|position_embed|positional_embed")
# Tokens without a place that may stand among them.
MAX_OTHER_TOKENS = 10


def refuse(name: str, best: Fit, groups: dict[str, Tensors], module: nn.Module) -> str:
    """What was found, and on a second line what would help."""
    wanted = module.state_dict()
    misshapen = [f"{key} ({_shape(best.tensors[key])} instead of {_shape(wanted[key])})" for key in best.misshapen]
    miscast = [f"{key} ({spell_kind(best.tensors[key])} instead of {spell_kind(wanted[key])})" for key in best.miscast]
    faults = [
        ("missing", best.missing), ("unexpected", best.unexpected), ("of another shape", misshapen),
        ("of numbers of another kind", miscast),
    ]  # fmt: skip
    words = "; ".join(f"{len(keys)} {what}: {name_some(keys)}" for what, keys in faults if keys)
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
    if best.tensors[places].ndim > 3:
        return None  # positions by row and column
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
