"""The pass and its shards: any cut, order or repeat gives one artifact; what is hooked is unhooked; the ranks are
those of all images.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import LOOPS, check_artifact, cut_shards, make_options
from workers.engine import compiling, complete, dissect
from workers.engine.format import spilling
from workers.engine.format.artifact import Artifact, ArtifactMalformed, read_artifact
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images import packed_labels
from workers.engine.images.image_set import ImageSet
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.tally import Tally, TallyError, load_tally, merge_tallies, save_tally
from workers.engine.measures.thresholds import candidates, thresholds
from workers.engine.measures.thresholds.measure import Candidates
from workers.engine.measures.top_images import measure as top_images
from workers.engine.measures.top_images.arrays import TopImages, ingest
from workers.engine.measures.top_images.measure import name_silences

OPTIONS = make_options(n_top=5, n_low=2, tail=0.03, batch_size=2, tile_px=16)
NETWORK = making.tiny_network(seed=1)
LAYERS = ["1", "4"]


def measured(
    image_set: ImageSet,
    first: int,
    last: int,
    bounds: dissect.Bounds | None = None,
    spill: Spill = IN_MEMORY,
    packed: PackedLabels | None = None,
) -> Tally:
    return dissect.measure_shard(
        network=NETWORK,
        layers=LAYERS,
        image_set=image_set,
        options=OPTIONS,
        shard=dissect.Shard(first, last, bounds, packed),
        means=dissect.Means(decode_threads=0, spill=spill),
    )


def reloaded(tally: Tally, path: Path) -> Tally:
    save_tally(tally, path)
    return load_tally(path)


def artifact_of(
    image_set: ImageSet, tallies: list[Tally], spill: Spill = IN_MEMORY
) -> tuple[Artifact, dict[str, bytes]]:
    stored: dict[str, bytes] = {}
    complete.complete(
        network=NETWORK,
        image_set=image_set,
        tally=merge_tallies(tallies, spill=spill),
        options=OPTIONS,
        device="cpu",
        save=stored.__setitem__,
        progress=lambda stage, n_done, n_total: None,
    )
    return read_artifact(stored.__getitem__), stored


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    root = tmp_path_factory.mktemp("broden") / "set"
    making.make_broden(root, rng=default_rng(11), n_images=15)
    (root / "images" / "004.png").write_bytes(b"no image at all")
    (root / "images" / "009_color.png").write_bytes(b"no label map at all")
    return open_image_set(root)


@pytest.fixture(scope="module")
def whole(image_set: ImageSet) -> Artifact:
    return artifact_of(image_set, [measured(image_set, 0, 15)])[0]


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_however_the_set_is_cut_the_artifact_is_the_same(
    image_set: ImageSet,
    whole: Artifact,
    data: st.DataObject,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spilling, "MIN_BYTES", 1)
    monkeypatch.setattr(thresholds, "PART_CELLS", 200)
    monkeypatch.setattr(thresholds, "PRUNED_CELLS", 500)
    monkeypatch.setattr(thresholds, "LANDMARK_BYTES", data.draw(st.sampled_from([1, 10**9])))
    monkeypatch.setattr(packed_labels, "RUNS_AT_ONCE", 7)
    monkeypatch.setattr(top_images, "COUNTED_PEAKS", 11)
    monkeypatch.setattr(candidates, "FIRST_PRUNING_CELLS", 300)
    monkeypatch.setattr(candidates, "HELD_CELLS", data.draw(st.sampled_from([0, 300, 10**9])))
    cuts = data.draw(st.sets(st.sampled_from(range(2, 15, 2))))
    shards = data.draw(st.permutations(list(pairwise([0, *sorted(cuts), 15]))))
    repeated = data.draw(st.lists(st.sampled_from(shards), max_size=2))
    # 1 byte at once: each unit alone. 3,000: some units together, parts of layers in one turn.
    spills = st.sampled_from([IN_MEMORY, Spill(tmp_path), Spill(tmp_path, at_once=1), Spill(tmp_path, at_once=3000)])
    tallies: list[Tally] = []
    for first, last in [*shards, *repeated]:
        bounds = dissect.bounds_of(merge_tallies(tallies)) if tallies and data.draw(st.booleans()) else None
        packed = tallies[0].labels if tallies and data.draw(st.booleans()) else None
        monkeypatch.setattr(compiling, "CAN_COMPILE", data.draw(st.sampled_from(LOOPS)))
        tally = measured(image_set, first, last, bounds, data.draw(spills), packed)
        tallies.append(reloaded(tally, tmp_path_factory.mktemp("tally") / "tally.npz"))
    # A shard may be merged into what is merged so far, or all at once.
    if len(tallies) > 1 and data.draw(st.booleans()):
        tallies = [merge_tallies(tallies[:2]), *tallies[2:]]
    monkeypatch.setattr(compiling, "CAN_COMPILE", data.draw(st.sampled_from(LOOPS)))
    artifact, _ = artifact_of(image_set, tallies, data.draw(spills))
    assert artifact.manifest["sha256"] == whole.manifest["sha256"]
    assert not list(tmp_path.iterdir()), "nothing is left of the files"


def test_another_seed_or_batch_size_gives_another_hash(image_set: ImageSet, whole: Artifact) -> None:
    manifest = {**whole.manifest, "environment": {**whole.manifest["environment"], "batch_size": 3}}
    with pytest.raises(ArtifactMalformed, match="hash"):
        check_artifact(Artifact(manifest=manifest, paths=whole.paths, read=whole.read))
    later = {
        **whole.manifest,
        "seconds": {"decode": 1e9},
        "environment": {**whole.manifest["environment"], "torch": "9"},
    }
    check_artifact(Artifact(manifest=later, paths=whole.paths, read=whole.read))


def test_unreadable_images_and_label_maps_are_quarantined_by_name(whole: Artifact) -> None:
    found = {entry["path"]: entry["reason"] for entry in whole.manifest["image_set"]["quarantined"]}
    assert found.keys() == {"004.png", "009.png"}
    assert "not an image" in found["004.png"]
    assert "009_color.png" in found["009.png"]
    assert whole.manifest["image_set"]["n_quarantined"] == 2
    assert not np.isin(whole.layer(0)["top_image"], [4, 9]).any()


def test_top_images_are_those_of_highest_peak_and_low_ones_of_the_lowest_tenth(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(5), n_images=40)
    image_set = open_image_set(tmp_path / "set")
    artifact, stored = artifact_of(image_set, [measured(image_set, 0, 40)])
    maps = oracles.dense_activations(network=NETWORK, path="4", image_set=image_set, batch_size=2)
    arrays = artifact.layer(1)
    for unit in range(5):
        peaks = maps[:, unit].reshape(40, -1).max(axis=1)
        best = sorted(range(40), key=lambda i: (-peaks[i], i))[:5]
        assert arrays["top_image"][unit].tolist() == best
        assert arrays["top_peak"][unit].tolist() == peaks[best].tolist()
        for image, place in zip(best, arrays["top_location"][unit], strict=True):
            assert tuple(place) == np.unravel_index(maps[image, unit].argmax(), maps.shape[2:])
        tenth = sorted(peaks)[:4]
        drawn = [i for i in arrays["low_image"][unit] if i >= 0]
        assert all(peaks[i] <= tenth[-1] for i in drawn)
        assert not set(drawn) & set(best)
        assert arrays["peak_histogram"][unit].sum() == 40
        assert f"tiles/{arrays['tile_sheet'][unit][:2]}/{arrays['tile_sheet'][unit]}.jpg" in stored


def test_units_that_tell_nothing_are_named(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(5), n_images=40)
    image_set, network = open_image_set(tmp_path / "set"), making.tiny_network(seed=1, relu=False)
    weight, bias = network.module[3].weight.data, network.module[3].bias.data  # type: ignore[index]
    weight[:3] = 0
    bias[:] = torch.tensor([0.0, 3.0, -1.0, -1e3, 0.0])
    tally = dissect.measure_shard(
        network=network, layers=["4"], image_set=image_set, options=OPTIONS, shard=dissect.Shard(0, 40)
    )
    (layer,) = making.finish(network=network, image_set=image_set, tally=tally, options=OPTIONS)
    found = layer.result(TopImages)
    assert found.silence is not None
    assert found.silence.tolist() == ["constant", "constant", "constant", "negative", ""]
    assert [row.columns["silence"] for row in ingest(replace(found, silence=None), {})] == found.silence.tolist()
    peaks = np.zeros((40, 2), np.float32)
    peaks[:3, 0] = 2  # active on three images: it tells something
    peaks[3:, 1] = 2  # as high as the lowest tenth on all others
    assert [str(one) for one in name_silences(peaks)] == ["", "silent"]


def test_a_small_set_pads_with_minus_one(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(5), n_images=3)
    image_set = open_image_set(tmp_path / "set")
    arrays = artifact_of(image_set, [measured(image_set, 0, 3)])[0].layer(1)
    assert (arrays["top_image"][:, 3:] == -1).all()
    assert (arrays["low_image"] == -1).all()


def test_shards_that_overlap_in_part_or_belong_elsewhere_do_not_join(image_set: ImageSet, tmp_path: Path) -> None:
    tally = measured(image_set, 0, 4)
    with pytest.raises(TallyError, match="image 2"):
        merge_tallies([tally, measured(image_set, 2, 6)])
    with pytest.raises(TallyError, match="different dissections"):
        merge_tallies([tally, Tally(**{**vars(measured(image_set, 4, 6)), "key": "other"})])
    save_tally(tally, tmp_path / "tally.npz")
    (tmp_path / "tally.npz").write_bytes((tmp_path / "tally.npz").read_bytes()[:-200])
    with pytest.raises(TallyError, match="cannot be read"):
        load_tally(tmp_path / "tally.npz")


def test_a_tally_with_cells_out_of_place_is_damaged(image_set: ImageSet, tmp_path: Path) -> None:
    """Compiled loops would read and write where they say."""
    tally = measured(image_set, 0, 4)
    layer = tally.layers[0]
    (name, part) = next((name, part) for name, part in layer.parts.items() if isinstance(part, Candidates))
    cells = part.cells
    # A pair of several cells.
    pair = int(np.diff(cells.start).argmax())
    first = cells.start[pair]
    n_cells, n_units = layer.shape.height * layer.shape.width, layer.shape.n_units
    for field, place, value in [
        ("cell", first, -1),
        ("cell", cells.start[pair + 1] - 1, n_cells),
        ("cell", first + 1, cells.cell[first]),
        ("unit", 0, -1),
        ("unit", -1, n_units),
        ("start", 0, 1),
        ("start", pair + 1, first),
        ("start", -1, len(cells.cell) + 1),
    ]:
        array = getattr(cells, field).copy()
        array[place] = value
        damaged = replace(part, cells=replace(cells, **{field: array}))
        broken = replace(layer, parts={**layer.parts, name: damaged})
        with pytest.raises(TallyError, match=f"do not lie in the maps of layer {layer.shape.path}"):
            reloaded(replace(tally, layers=(broken, *tally.layers[1:])), tmp_path / "tally.npz")
    assert len(reloaded(tally, tmp_path / "tally.npz").layers) == len(tally.layers)


def test_a_shard_begins_where_a_batch_does(image_set: ImageSet) -> None:
    with pytest.raises(dissect.ShardMisplaced, match="batches of 2"):
        measured(image_set, 3, 6)
    assert cut_shards(n_images=15, options=OPTIONS, batches_each=3) == [(0, 6), (6, 12), (12, 15)]


def test_running_out_of_memory_halves_the_batch_and_is_recorded(
    image_set: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = torch.nn.Conv2d.forward

    def greedy(self: torch.nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1 and x.device.type != "meta":
            raise torch.OutOfMemoryError("no memory for more than one image")
        return forward(self, x)

    expected = measured(image_set, 0, 6)
    monkeypatch.setattr(torch.nn.Conv2d, "forward", greedy)
    tally = measured(image_set, 0, 6)
    assert tally.halvings == 1
    np.testing.assert_allclose(
        tally.layers[1].parts["top_images"].peaks, expected.layers[1].parts["top_images"].peaks, rtol=1e-5
    )


def test_half_precision_is_used_only_where_asked_and_is_another_dissection(image_set: ImageSet) -> None:
    full, again, half = (
        dissect.measure_shard(
            network=NETWORK, layers=["4"], image_set=image_set, options=options, shard=dissect.Shard(0, 4)
        )
        for options in (OPTIONS, OPTIONS, make_options(**{**OPTIONS.to_json(), "autocast": True}))
    )
    np.testing.assert_array_equal(full.layers[0].parts["top_images"].peaks, again.layers[0].parts["top_images"].peaks)
    differences = np.abs(full.layers[0].parts["top_images"].peaks - half.layers[0].parts["top_images"].peaks)
    assert 0 < differences.max() < 0.05 * full.layers[0].parts["top_images"].peaks.max()
    assert half.key != full.key


class Spoiled(torch.nn.Module):
    """Gives one value that is not finite, in one cell of one unit."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.conv, self.out, self.value = torch.nn.Conv2d(3, 5, 5, stride=4), torch.nn.Identity(), value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(x)
        maps[-1, 2, 1, 0] = self.value
        return torch.as_tensor(self.out(maps))


@pytest.mark.parametrize(
    ("value", "words"), [(torch.nan, "not a number"), (torch.inf, "gives infinity"), (-torch.inf, "minus infinity")]
)
def test_a_value_that_is_not_finite_is_refused_by_layer_unit_and_image(
    image_set: ImageSet, value: float, words: str
) -> None:
    network = replace(making.tiny_network(seed=1), module=Spoiled(value))
    with pytest.raises(dissect.UnitNotFinite, match=rf"Unit 2 of out gives .*{words[-8:]}.* on 001\.png"):
        dissect.measure_shard(
            network=network, layers=["out"], image_set=image_set, options=OPTIONS, shard=dissect.Shard(0, 2)
        )


def test_large_values_whose_sum_overflows_are_measured(image_set: ImageSet) -> None:
    network = replace(making.tiny_network(seed=1), module=Spoiled(3e38))
    tally = dissect.measure_shard(
        network=network, layers=["out"], image_set=image_set, options=OPTIONS, shard=dissect.Shard(0, 2)
    )
    assert tally.layers[0].parts["top_images"].peaks[1, 2] == np.float32(3e38)


def test_a_set_without_one_usable_image_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    image_set = open_image_set(tmp_path)
    with pytest.raises(complete.NothingMeasured, match="None of 1 image"):
        artifact_of(image_set, [measured(image_set, 0, 1)])


def test_the_time_of_a_long_pass_is_estimated_and_that_of_a_short_one_is_not(
    image_set: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"network": NETWORK, "layers": LAYERS, "image_set": image_set, "options": OPTIONS, "device": "cpu"}
    assert dissect.estimate_seconds(**asked) is None
    seen: list[dissect.Shard] = []
    moments = iter([10.0, 13.0])
    monkeypatch.setattr(dissect, "MIN_BATCHES", len(image_set.paths) // 2)
    monkeypatch.setattr(dissect, "measure_shard", lambda **given: seen.append(given["shard"]))
    monkeypatch.setattr(dissect, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    assert dissect.estimate_seconds(**asked) == 1.5 * len(image_set.paths)
    assert [(one.first, one.last) for one in seen] == [(0, OPTIONS.run.batch_size)]
