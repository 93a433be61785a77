"""A network as the engine runs it: without what wraps it, in single precision, taking images of three channels."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from workers.engine.networks.hooks import eval_mode
from workers.engine.networks.sources.built import ArchitectureNotFound, Built

OTHER_PRECISIONS = (torch.float16, torch.bfloat16, torch.float64)
# Shares of red, green and blue in gray (ITU-R BT.601), as Pillow takes them.
LUMA = (0.299, 0.587, 0.114)


def make_plain(built: Built) -> Built:
    """Raises ArchitectureNotFound for programs whose layers cannot be read, and for what takes no photographs."""
    module, notes = _unwrap(built.module)
    if any(one.is_meta for one in (*module.parameters(), *module.buffers())):
        raise ArchitectureNotFound("The network lies on the device meta, where tensors have a shape but no numbers.")
    kinds = {str(one.dtype).removeprefix("torch.") for one in _list_numbers(module) if one.dtype in OTHER_PRECISIONS}
    if kinds:
        module = module.float()
        notes.append(f"The network's {' and '.join(sorted(kinds))} values are computed with in single precision.")
    n_channels = _count_channels(module, built.preprocessing.input_px)
    if n_channels not in (1, 3):
        raise ArchitectureNotFound(
            f"The network takes {n_channels} channels, and photographs have 3: wrap it in a module that makes "
            f"{n_channels} of 3, as package.module:function or in a notebook."
        )
    if n_channels == 1:
        module.register_forward_pre_hook(_turn_gray)
        notes.append("The network takes one channel: images are turned to gray.")
    return replace(built, module=module, note=" ".join([*([built.note] if built.note else []), *notes]))


def _list_numbers(module: nn.Module) -> list[torch.Tensor]:
    return [one for one in (*module.parameters(), *module.buffers()) if one.is_floating_point()]


def _unwrap(module: nn.Module) -> tuple[nn.Module, list[str]]:
    """The network inside DataParallel and torch.compile, whole or part by part, and in words what was taken off."""
    inner, names = _peel(module)
    for part in list(inner.modules()):
        for name, child in list(part.named_children()):
            plain, found = _peel(child)
            if found:
                setattr(part, name, plain)
                names += found
    for part in inner.modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise ArchitectureNotFound(
                "The network is, or holds, a TorchScript program, whose layers cannot be read. Give the network that "
                "it was made from."
            )
        # Module.compile() leaves a compiled call, past which no hook is called.
        if getattr(part, "_compiled_call_impl", None) is not None:
            part._compiled_call_impl = None
            names.append("compile()")
    said = f"{', '.join(sorted(set(names)))} was taken off: layers have the names of the network inside."
    return inner, [said] if names else []


def _peel(module: nn.Module) -> tuple[nn.Module, list[str]]:
    names = []
    while (inner := _inside(module)) is not None:
        names.append(type(module).__name__)
        module = inner
    return module, names


def _inside(module: Any) -> nn.Module | None:
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return module.module  # type: ignore[no-any-return]
    inner = getattr(module, "_orig_mod", None)
    return inner if isinstance(inner, nn.Module) else None


def _count_channels(module: nn.Module, input_px: int) -> int:
    """How many it takes if it does not take three. It is run only if its first convolution says so."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None or first.in_channels == 3:
        return 3
    with eval_mode(module), torch.inference_mode():
        takes_three = _runs(module, 3, input_px)
        # Why it runs with neither is said when it is run for a layer.
        runs_with_neither = not takes_three and first.in_channels > 1 and not _runs(module, first.in_channels, input_px)
    return 3 if takes_three or runs_with_neither else first.in_channels


def _runs(module: nn.Module, n_channels: int, px: int) -> bool:
    weights = next(module.parameters(), torch.empty(0))
    try:
        module(torch.zeros(1, n_channels, px, px, device=weights.device))
    except Exception:
        return False
    return True


def _turn_gray(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    images, *rest = inputs
    if isinstance(images, torch.Tensor) and images.ndim == 4 and images.shape[1] == 3:
        shares = torch.tensor(LUMA, device=images.device, dtype=images.dtype)
        images = (images * shares[:, None, None]).sum(1, keepdim=True)
    return (images, *rest)
