"""The modules of a network in the order of its tree, with what each one gives, so that a layer is picked, not typed."""

from typing import Any

from torch import nn

from workers.engine.networks.hooks import split_call
from workers.engine.networks.layer_maps import LayerShape, LayerShapeUnknown
from workers.engine.networks.probing import probe_every_part


def list_parts(*, module: nn.Module, input_px: int, device: str = "cpu") -> list[dict[str, Any]]:
    """For each module, a child after its parent: `path`, `kind` (its class), `n_parameters` with those of its parts;
    `n_units`, `height` and `width` in cells, and `read_as`, if it can be dissected; else `reason`, empty for a module
    that only holds others. Raises InputNotAnImage and LayerSilent.
    """
    found = probe_every_part(module=module, input_px=input_px, device=device)
    return [_describe(module, path, read) for path, read in found.items()]


def _describe(module: nn.Module, path: str, read: LayerShape | LayerShapeUnknown | None) -> dict[str, Any]:
    part = module.get_submodule(split_call(path)[0])
    told: dict[str, Any] = {
        "path": path,
        "kind": type(part).__name__,
        "n_parameters": sum(one.numel() for one in part.parameters()),
    }
    if isinstance(read, LayerShape):
        return told | {"n_units": read.n_units, "height": read.height, "width": read.width, "read_as": read.note}
    return told | {"reason": str(read or "")}
