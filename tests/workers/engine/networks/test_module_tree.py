"""A network's tree says of each module what a dissection would find, and why it would find nothing."""

import torch
from torch import nn

from workers.engine.networks.module_tree import list_parts
from workers.engine.networks.probing import probe_layers


class Branched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2)])
        self.relu, self.never = nn.ReLU(), nn.Linear(2, 2)
        self.head = nn.Linear(7, 3)  # made for another input size

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.relu(self.blocks[1](self.relu(self.blocks[0](images))))
        scores: torch.Tensor = self.head(maps.mean((2, 3)))
        return scores


def test_each_part_is_described_as_a_dissection_would_read_it() -> None:
    module = Branched()
    rows = {row["path"]: row for row in list_parts(module=module, input_px=16)}
    assert list(rows) == ["blocks", "blocks.0", "blocks.1", "relu#0", "relu#1", "never", "head"]
    readable = [path for path, row in rows.items() if "n_units" in row]
    assert readable == ["blocks.0", "blocks.1", "relu#0", "relu#1"]
    probed = probe_layers(module=module, paths=readable, input_px=16)
    assert {path: (rows[path]["n_units"], rows[path]["height"], rows[path]["width"]) for path in readable} == {
        path: (shape.n_units, shape.height, shape.width) for path, shape in probed.items()
    }
    assert (rows["blocks"]["n_parameters"], rows["blocks"]["reason"]) == (4 * 28 + 6 * 37, "")
    assert rows["blocks.1"]["kind"] == "Conv2d"
    assert not any(part._forward_hooks for part in module.modules())
    assert module.training
