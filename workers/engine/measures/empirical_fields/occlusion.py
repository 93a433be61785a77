"""What an occluder changes at the peaks of an image, by recomputing of each layer only the cone between occluder
and peak.

[ZKLOT15] 3.2, docs/measures.md, Empirical receptive field. Of a step's output, only cells that the occluder reaches and
from which a peak is reached are recomputed, for many occluders at once, as tiles of one size; around them stand the
values of the clean image, outside the map the padding. Where an image has several peaks, the steps up to a fork are
recomputed once for all of them; the fork is where it costs least. Tiles are (B, h, w, C): a gather of cells then moves
whole rows of channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from workers.engine.networks.chain import BLOCK, MAXIMUM, POINTWISE, Step, Window

CHUNK_OCCLUDERS = 256

Span = tuple[int, int]
Spans = tuple[Span, Span]
Peak = tuple[int, int]


@dataclass(frozen=True)
class Tiles:
    """Recomputed cells for B occluders: values (B, h, w, C), the first row and column of each tile `start` (2, B),
    which occluder each belongs to, and the first and last row and column of the map that the occluder reaches at all,
    `reach` (2, B, 2).
    """

    values: torch.Tensor
    start: torch.Tensor
    occluder: torch.Tensor
    reach: torch.Tensor

    def pick(self, chosen: torch.Tensor) -> "Tiles":
        """The tiles of some of the occluders."""
        return Tiles(self.values[chosen], self.start[:, chosen], self.occluder[chosen], self.reach[:, chosen])


@dataclass(frozen=True)
class Scene:
    """A clean image on its way through the steps: maps[i] (H, W, C) is what step i is given; maps[-1] the layer."""

    steps: Sequence[Step]
    maps: Sequence[torch.Tensor]

    def shape(self, place: int) -> Span:
        return self.maps[place].shape[0], self.maps[place].shape[1]


@dataclass(frozen=True)
class Occluders:
    """Patches (B, size, size, 3) in the network's input values, and the first row and column of each."""

    patches: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor

    @property
    def size(self) -> int:
        return self.patches.shape[1]

    def reach(self) -> torch.Tensor:
        """(2, B, 2) first and last row and column of each."""
        first = torch.stack([self.rows, self.columns])
        return torch.stack([first, first + self.size - 1], dim=2)


def cone_changes(
    *, steps: Sequence[Step], image: torch.Tensor, peaks: Sequence[Peak], occluders: Occluders
) -> torch.Tensor:
    """(n_peaks, n_occluders, U) absolute changes of all units at each peak of a (1, 3, px, px) image."""
    with torch.inference_mode():
        scene = _make_scene(steps, image)
        clean = torch.stack([scene.maps[-1][peak] for peak in peaks])
        result = clean[:, None].repeat(1, len(occluders.rows), 1)
        fork = _cheapest_fork(scene, occluders, peaks)
        for chunk in torch.split(_touching(scene, occluders, peaks), CHUNK_OCCLUDERS):
            shared = _advance(scene, _patches(occluders, chunk), 0, fork, _needs(scene, peaks))
            if shared is None:
                continue
            for place, peak in enumerate(peaks):
                own = _advance(scene, shared, fork, len(steps), _needs(scene, [peak]))
                if own is not None:
                    result[place, own.occluder] = _at_peak(own, peak, clean[place])
        return (result - clean[:, None]).abs()


def _make_scene(steps: Sequence[Step], image: torch.Tensor) -> Scene:
    """Run the image clean through the steps; no output is overwritten in place."""
    outputs = [image]
    for step in steps:
        x = outputs[-1]
        outputs.append(step.module(x.clone() if step.kind == POINTWISE else x))
    return Scene(steps, [one[0].permute(1, 2, 0).contiguous() for one in outputs])


def _touching(scene: Scene, occluders: Occluders, peaks: Sequence[Peak]) -> torch.Tensor:
    """Which occluders lie within the theoretical receptive field of some peak."""
    (top, bottom), (left, right) = _needs(scene, peaks)[0]
    down = (occluders.rows + occluders.size > top) & (occluders.rows <= bottom)
    return (down & (occluders.columns + occluders.size > left) & (occluders.columns <= right)).nonzero()[:, 0]


def _at_peak(tiles: Tiles, peak: Peak, clean: torch.Tensor) -> torch.Tensor:
    row, column = (peak[axis] - tiles.start[axis] for axis in (0, 1))
    height, width = tiles.values.shape[1:3]
    held = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    picked = tiles.values[torch.arange(len(row)), row.clamp(0, height - 1), column.clamp(0, width - 1)]
    return torch.where(held[:, None], picked, clean)


def _patches(occluders: Occluders, chunk: torch.Tensor) -> Tiles:
    reach = occluders.reach()[:, chunk]
    return Tiles(occluders.patches[chunk], reach[:, :, 0], chunk, reach)


def _needs(scene: Scene, peaks: Sequence[Peak]) -> list[Spans]:
    """For the input of every step and the layer itself: the rows and columns from which some peak is reached."""
    rows, columns = zip(*peaks, strict=True)
    spans: Spans = ((min(rows), max(rows)), (min(columns), max(columns)))
    needs = [spans]
    for step in reversed(scene.steps):
        spans = (step.windows[0].needed(*spans[0]), step.windows[1].needed(*spans[1]))
        needs.append(spans)
    return needs[::-1]


def _advance(scene: Scene, tiles: Tiles, begin: int, end: int, needs: list[Spans]) -> Tiles | None:
    """Recompute steps begin to end - 1; occluders that reach no needed cell drop out, None when all do."""
    for place in range(begin, end):
        step, shape = scene.steps[place], scene.shape(place + 1)
        outlook = _outlook(step, tiles.reach, shape, needs[place + 1])
        chosen = outlook.alive.nonzero()[:, 0]
        if not len(chosen):
            return None
        if len(chosen) < len(tiles.occluder):
            tiles, outlook = tiles.pick(chosen), outlook.pick(chosen)
        values = _recompute(scene, place, tiles, outlook)
        tiles = Tiles(values, outlook.start, tiles.occluder, outlook.reach)
    return tiles


@dataclass(frozen=True)
class _Outlook:
    """Which cells of a step's output are to be recomputed for each occluder; `alive` (B,): whether there are any."""

    reach: torch.Tensor
    start: torch.Tensor
    size: Span
    alive: torch.Tensor

    def pick(self, chosen: torch.Tensor) -> "_Outlook":
        return replace(self, reach=self.reach[:, chosen], start=self.start[:, chosen], alive=self.alive[chosen])


def _outlook(step: Step, reach: torch.Tensor, shape: Span, need: Spans) -> _Outlook:
    reached, starts, lengths = [], [], []
    for axis in (0, 1):
        first, last = step.windows[axis].reached(reach[axis][:, 0], reach[axis][:, 1])
        first, last = first.clamp_min(0), last.clamp_max(shape[axis] - 1)
        reached.append(torch.stack([first, last], dim=1))
        low, high = first.clamp_min(need[axis][0]), last.clamp_max(need[axis][1])
        starts.append(low)
        lengths.append(high - low + 1)
    alive = (lengths[0] > 0) & (lengths[1] > 0)
    size = tuple(int(length[alive].max()) if bool(alive.any()) else 0 for length in lengths)
    return _Outlook(torch.stack(reached), torch.stack(starts), (size[0], size[1]), alive)


def _recompute(scene: Scene, place: int, tiles: Tiles, outlook: _Outlook) -> torch.Tensor:
    step = scene.steps[place]
    if step.kind == BLOCK:
        return _recompute_block(scene, place, tiles, outlook)
    starts = [outlook.start[axis] * step.windows[axis].stride - step.windows[axis].padding for axis in (0, 1)]
    size = [(outlook.size[axis] - 1) * step.windows[axis].stride + step.windows[axis].size for axis in (0, 1)]
    pad = -torch.inf if step.kind == MAXIMUM else 0.0
    window = _assemble(scene.maps[place], tiles, torch.stack(starts), (size[0], size[1]), pad=pad)
    return step.run(window.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def _recompute_block(scene: Scene, place: int, tiles: Tiles, outlook: _Outlook) -> torch.Tensor:
    """Run the block on windows inside the map, whose edges are the map's own or far enough from what is needed."""
    step, shape = scene.steps[place], scene.shape(place)
    starts, sizes = [], []
    for axis in (0, 1):
        start, size = _inner_window(step.windows[axis], outlook.start[axis], outlook.size[axis], shape[axis])
        starts.append(start)
        sizes.append(size)
    window = _assemble(scene.maps[place], tiles, torch.stack(starts), (sizes[0], sizes[1]), pad=0.0)
    values = step.run(window.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
    at = [
        (outlook.start[axis] - starts[axis] // step.windows[axis].stride)[:, None] + torch.arange(outlook.size[axis])
        for axis in (0, 1)
    ]
    # Cells beyond the map's end are never used.
    row, column = at[0].clamp_max(values.shape[1] - 1), at[1].clamp_max(values.shape[2] - 1)
    return values[torch.arange(len(values))[:, None, None], row[:, :, None], column[:, None, :]]


def _inner_window(window: Window, start: torch.Tensor, size: int, whole: int) -> tuple[torch.Tensor, int]:
    """First cells, multiples of the stride, and common length of windows inside the map that hold all that is
    needed.
    """
    first = start * window.stride - window.padding
    last = first + (size - 1) * window.stride + window.size - 1
    longest = int((last - first).max()) + window.stride
    longest += (whole - longest) % window.stride
    if longest >= whole:
        return torch.zeros_like(start), whole
    aligned = torch.div(first, window.stride, rounding_mode="floor") * window.stride
    return aligned.clamp(0, whole - longest), longest


def _assemble(clean: torch.Tensor, tiles: Tiles, start: torch.Tensor, size: Span, *, pad: float) -> torch.Tensor:
    """(B, *size, C) windows: the tile where it lies, the clean map around it, the padding outside the map."""
    height, width, n_channels = clean.shape
    n_tiles, tile_height, tile_width = tiles.values.shape[:3]
    pool = torch.cat(
        [
            clean.reshape(-1, n_channels),
            tiles.values.reshape(-1, n_channels),
            torch.full((1, n_channels), pad, device=clean.device),
        ]
    )
    rows, columns = (start[axis][:, None] + torch.arange(size[axis], device=clean.device) for axis in (0, 1))
    tile_rows, tile_columns = rows - tiles.start[0][:, None], columns - tiles.start[1][:, None]
    in_map = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    in_tile = _within(tile_rows, tile_height)[:, :, None] & _within(tile_columns, tile_width)[:, None, :]
    from_clean = rows[:, :, None] * width + columns[:, None, :]
    first = height * width + torch.arange(n_tiles, device=clean.device) * (tile_height * tile_width)
    from_tile = first[:, None, None] + tile_rows[:, :, None] * tile_width + tile_columns[:, None, :]
    source = torch.where(in_map, torch.where(in_tile, from_tile, from_clean), len(pool) - 1)
    return pool.index_select(0, source.flatten()).view(n_tiles, size[0], size[1], n_channels)


def _within(places: torch.Tensor, length: int) -> torch.Tensor:
    return (places >= 0) & (places < length)


def _cheapest_fork(scene: Scene, occluders: Occluders, peaks: Sequence[Peak]) -> int:
    """The step up to which all peaks are better recomputed together, by multiplications."""
    if len(peaks) == 1:
        return 0
    together = _costs(scene, occluders, _needs(scene, peaks))
    apart = torch.stack([_costs(scene, occluders, _needs(scene, [peak])) for peak in peaks]).sum(0)
    total = [float(together[:fork].sum() + apart[fork:].sum()) for fork in range(len(scene.steps) + 1)]
    return total.index(min(total))


def _costs(scene: Scene, occluders: Occluders, needs: list[Spans]) -> torch.Tensor:
    reach, costs = occluders.reach(), []
    for place, step in enumerate(scene.steps):
        outlook = _outlook(step, reach, scene.shape(place + 1), needs[place + 1])
        # Gathering a cell's window costs about as much as some multiplications of it.
        moved = step.windows[0].size * step.windows[1].size * scene.maps[place].shape[2] * 4
        costs.append(int(outlook.alive.sum()) * outlook.size[0] * outlook.size[1] * (step.cost + moved))
        reach = outlook.reach
    return torch.tensor(costs, dtype=torch.float64)
