"""Find a network's head by proof: on probe images, the scores that follow from the maps must be those it gives.

docs/evidence.md, Heads. No network is known by its name.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
from torch import nn

from workers.engine.evidence.head import Form, Head, fold_batch_norm, fold_layer_norm
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.hooks import eval_mode
from workers.engine.networks.layer_maps import LayerError, LayerShape, as_maps, list_tensors, spell_shape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.map_axes import Asked
from workers.engine.networks.probing import probe_layers
from workers.engine.plurals import say_count

# Largest error of a proof, relative to the largest score. Sums of float32 in another order differ by some 1e-6.
MAX_ERROR = 1e-4
N_PROBES = 3
SEED = 2016
MAX_NAMED = 6


class NoHead(NetworkError):
    """The network's scores do not follow from one layer's maps by a pool and one linear layer; the message says why."""


@dataclass(frozen=True)
class Call:
    """One call of a module: its path, what it took and what it gave, copied before anything could overwrite them."""

    path: str
    module: nn.Module
    taken: torch.Tensor
    given: torch.Tensor


# Proving a head takes several forward passes: what was found of a module is kept as long as it lives unchanged.
_found: WeakKeyDictionary[nn.Module, tuple[object, Head]] = WeakKeyDictionary()


def find_head(network: LoadedNetwork, *, asked: Asked | None = None) -> Head:
    """Raises NoHead."""
    tensors = [*network.module.parameters(), *network.module.buffers()]
    state = network.preprocessing.input_px, asked, tuple((id(one), _count_changes(one)) for one in tensors)
    known = _found.get(network.module)
    if known is None or known[0] != state:
        known = state, _find_head(network, asked)
        _found[network.module] = known
    return known[1]


def _count_changes(tensor: torch.Tensor) -> int:
    """How often it was written to; torch does not count that of tensors that were made in inference."""
    return -1 if tensor.is_inference() else tensor._version


def _find_head(network: LoadedNetwork, asked: Asked | None) -> Head:
    module, input_px = network.module, network.preprocessing.input_px
    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        first, second = (_make_probe(input_px, seed).to(device) for seed in (SEED, SEED + 1))
        last, scores = _find_last(module, first)
        _check_scores(module, scores)
        rough, calls = _find_rough(module, first, last, scores)
        refused: list[str] = []
        for layer in calls:
            try:
                shape = probe_layers(module=module, paths=[layer], input_px=input_px, device=str(device), asked=asked)
            except LayerError as error:
                refused.append(str(error))
                continue
            head = replace(rough, layer=layer, shape=shape[layer], same=tuple(one for one in calls if one != layer))
            proven = _prove(head, module, (first, second))
            if proven.error < MAX_ERROR:
                return proven
            refused.append(f"{layer} is off by {proven.error:.1g} of the largest score.")
    raise NoHead(f"The maps before the pool cannot be read. {refused[0]} {ADVICE}")


ADVICE = "Grad-CAM maps (--method grad-cam --layer ...) need no head."


def _make_probe(input_px: int, seed: int) -> torch.Tensor:
    """(N_PROBES, 3, px, px) blurred noise: neighboring pixels are alike, as in photographs."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(N_PROBES, 3, 14, 14, generator=generator)
    grown = nn.functional.interpolate(coarse, size=(input_px, input_px), mode="bilinear", align_corners=False)
    return grown + 0.3 * torch.randn(N_PROBES, 3, input_px, input_px, generator=generator)


def _watch(module: nn.Module, images: torch.Tensor, wanted: Callable[[str, nn.Module], bool]) -> Iterator[Call]:
    """The calls of the wanted modules in the order in which they end, then the network's own."""
    calls: list[Call] = []
    # What running modules took, by module: an in-place layer overwrites it before it ends.
    kept: dict[int, torch.Tensor] = {}

    def note(path: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def keep(part: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            taken = next(iter(list_tensors(inputs).values()), None)
            given = next(iter(list_tensors(output).values()), None)
            if taken is not None and given is not None:
                calls.append(Call(path, part, kept.pop(id(part), taken), given.clone()))

        return keep

    def keep_input(part: nn.Module, inputs: tuple[object, ...]) -> None:
        taken = next(iter(list_tensors(inputs).values()), None)
        if taken is not None:
            kept[id(part)] = taken.clone()

    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for path, part in module.named_modules():
            if path == "" or wanted(path, part):
                stack.callback(part.register_forward_pre_hook(keep_input).remove)
                stack.callback(part.register_forward_hook(note(path)).remove)
        module(images)
    yield from calls


def _is_linear(_path: str, part: nn.Module) -> bool:
    is_point = isinstance(part, nn.Conv2d) and set(part.kernel_size) == {1} and part.groups == 1
    return isinstance(part, nn.Linear) or is_point


def _find_last(module: nn.Module, images: torch.Tensor) -> tuple[Call, torch.Tensor]:
    """The last linear layer or 1 x 1 convolution that ran, and the network's scores (B, C); raises NoHead."""
    calls = list(_watch(module, images, _is_linear))
    if not calls or calls[-1].path:
        raise NoHead(f"The network gives no tensor, but a score per class is needed. {ADVICE}")
    whole = calls.pop()
    if whole.given.ndim != 2 or len(whole.given) != len(images):
        raise NoHead(
            f"The network gives {spell_shape(whole.given.shape[1:])} values per image, not a score per class. {ADVICE}"
        )
    if not calls:
        raise NoHead(f"No linear layer and no 1 x 1 convolution gives the network's scores. {ADVICE}")
    return calls[-1], whole.given


def _check_scores(module: nn.Module, scores: torch.Tensor) -> None:
    """Raises NoHead if the scores prove nothing, whatever the network's layers are."""
    if not scores.isfinite().all():
        tensors = [*module.named_parameters(), *module.named_buffers()]
        broken = [name for name, one in tensors if not one.isfinite().all()]
        why = f"{len(broken)} of its tensors hold none either, first {broken[0]}" if broken else "its weights are"
        raise NoHead(f"The network's scores are not finite numbers; {why}. Are these the weights that were trained?")
    if bool((scores == scores[:1]).all()):
        raise NoHead(
            "The network gives every picture the same scores: its weights are zero, or its images do not reach them. "
            "Are these the weights that were trained?"
        )


def _weigh(last: Call) -> Head:
    """A head of which nothing is known but weight and bias of the last layer."""
    assert isinstance(last.module, nn.Linear | nn.Conv2d)
    weight, bias = last.module.weight.detach().flatten(1), last.module.bias
    bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
    unknown = LayerShape(path="", n_units=weight.shape[1], height=0, width=0)
    return Head(layer="", same=(), shape=unknown, form=Form.MEAN, last=last.path, weight=weight, bias=bias)


def _find_rough(module: nn.Module, images: torch.Tensor, last: Call, scores: torch.Tensor) -> tuple[Head, list[str]]:
    """The head without its layer, and the paths of the layers that may be it, in the order in which they ran."""
    head = _weigh(last)
    calls = list(_watch(module, images, lambda path, part: True))[:-1]
    n_calls = {one.path: sum(other.path == one.path for other in calls) for one in calls}
    before = [one for one in calls if n_calls[one.path] == 1]
    if last.given.ndim == 4 and last.given.shape[2] * last.given.shape[3] > 1:
        return _find_pooled_scores(head, before, last, scores)
    entering, given = last.taken.flatten(1), last.given.flatten(1)
    if last.taken.shape[0] != len(images) or given.shape != scores.shape or not _is_equal(given, scores):
        raise NoHead(
            f"The scores are not what the last linear layer {last.path} gives: something is computed after it. {ADVICE}"
        )
    for changed, pooled in _list_pooled(head, calls, entering):
        for form, pool in POOLS.items():
            found = [one for one in before if _pools_to(one.given, pooled, pool)]
            if found:
                return _set_form(changed, form), _list_same(found)
    raise NoHead(_tell_between(calls, last))


def _list_same(found: list[Call]) -> list[str]:
    """Paths of the layer that ran last, just before the pool, and of those that give exactly the same, first to last.

    An earlier layer may differ from it by less than a proof can see: a block of a network without training.
    """
    return [one.path for one in found if torch.equal(one.given, found[-1].given)]


def _set_form(head: Head, form: Form) -> Head:
    """A norm between pool and last layer is told by the form, and is taken after the mean only."""
    return head if head.norm is not None else replace(head, form=form)


def _find_pooled_scores(head: Head, before: list[Call], last: Call, scores: torch.Tensor) -> tuple[Head, list[str]]:
    """The pool comes after the last layer: SqueezeNet, Network in Network."""
    forms = {
        Form.MEAN_OF_SCORES: last.given.clamp_min(0).mean(dim=(2, 3)),
        Form.MEAN: last.given.mean(dim=(2, 3)),
    }
    for form, pooled in forms.items():
        if pooled.shape == scores.shape and _is_equal(pooled, scores):
            found = [one for one in before if torch.equal(one.given, last.taken)]
            if found:
                return replace(head, form=form), _list_same(found)
    raise NoHead(f"The scores are not the mean of what {last.path} gives, with or without a rectifier. {ADVICE}")


def _list_pooled(head: Head, calls: list[Call], entering: torch.Tensor) -> Iterator[tuple[Head, torch.Tensor]]:
    """What the last layer takes, and what a normalization before it took, each with the head that goes with it."""
    yield head, entering
    for one in calls:
        if one.given.numel() != entering.numel() or not _is_equal(one.given.reshape(entering.shape), entering):
            continue
        if isinstance(one.module, nn.modules.batchnorm._BatchNorm) and one.module.running_mean is not None:
            yield fold_batch_norm(head, one.module), one.taken.reshape(entering.shape)
        elif isinstance(one.module, nn.LayerNorm):
            yield fold_layer_norm(head, one.module), one.taken.reshape(entering.shape)


def _mean(maps: torch.Tensor) -> torch.Tensor:
    return maps.mean(dim=1)


POOLS: dict[Form, Callable[[torch.Tensor], torch.Tensor]] = {
    Form.MEAN: _mean,
    Form.RECTIFIED_MEAN: lambda cells: cells.clamp_min(0).mean(dim=1),
    Form.MAXIMUM: lambda cells: cells.amax(dim=1),
}


def _pools_to(given: torch.Tensor, pooled: torch.Tensor, pool: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    """True if some axis of what a layer gives, of the pooled length, pools to the pooled values (B, K)."""
    for axis in range(1, given.ndim if given.ndim in (3, 4) else 0):
        if given.shape[0] != len(pooled) or given.shape[axis] != pooled.shape[1]:
            continue
        cells = given.movedim(axis, -1).flatten(1, -2)
        if cells.shape[1] > 1 and _is_equal(pool(cells), pooled):
            return True
    return False


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal but for rounding, by the spread of the values: a common offset proves nothing."""
    spread = (other - other.mean(dim=0)).abs().amax().clamp_min(1e-12)
    largest = other.abs().amax()
    allowed = torch.minimum(MAX_ERROR * largest, torch.maximum(10 * MAX_ERROR * spread, 1e-6 * largest))
    return bool((one - other).abs().amax() <= allowed)


def _prove(head: Head, module: nn.Module, probes: tuple[torch.Tensor, ...]) -> Head:
    """The head with its largest error over the probes."""
    errors = []
    for images in probes:
        *_, layer, whole = _watch(module, images, lambda path, part: path == head.layer)
        maps = as_maps(shape=head.shape, output=layer.given)
        errors.append(float((head.score(maps) - whole.given).abs().amax() / whole.given.abs().amax()))
    return replace(head, error=max(errors))


def _tell_between(calls: list[Call], last: Call) -> str:
    width = last.taken.flatten(1).shape[1]
    flat = [one for one in calls if one.given.ndim == 2 and one.path != last.path and _is_linear(one.path, one.module)]
    if flat:
        names = ", ".join(one.path for one in flat[-MAX_NAMED:])
        return f"Between the maps and the last layer {last.path} stand other layers with weights: {names}. {ADVICE}"
    return f"What {last.path} takes ({say_count(width, 'value')}) is not pooled from the maps of one layer. {ADVICE}"
