"""Crops that are cut when they are asked for are those that the dissection itself would have cut."""

import hashlib

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from tests.workers.engine import making
from tests.workers.engine.options import make_options
from workers.engine import complete, cut, dissect
from workers.engine.format.artifact import (
    Artifact,
    ArtifactMalformed,
    checksum_name,
    is_late,
    maps_name,
    pack_arrays,
    read_artifact,
    tile_name,
    unpack_arrays,
)
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set

NETWORK = making.tiny_network(seed=1)
LAYERS = ["1", "4"]


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    folder = tmp_path_factory.mktemp("late")
    making.make_broden(folder / "set", rng=default_rng(5), n_images=12)
    return open_image_set(folder / "set")


def dissected(image_set: ImageSet, **stated: object) -> tuple[Artifact, dict[str, bytes]]:
    options = make_options(n_top=5, n_low=2, tail=0.03, batch_size=2, tile_px=16, **stated)
    tally = dissect.measure_shard(
        network=NETWORK, layers=LAYERS, image_set=image_set, options=options, shard=dissect.Shard(0, 12)
    )
    stored: dict[str, bytes] = {}
    complete.complete(
        network=NETWORK, image_set=image_set, tally=tally, options=options, device="cpu",
        save=lambda name, data: stored.update({name: bytes(data)}), progress=lambda *_: None,
    )  # fmt: skip
    return read_artifact(stored.__getitem__), stored


@pytest.mark.parametrize(("segment", "dimming"), [("upsampled", "fixed"), ("smoothed", "auto")])
def test_late_crops_are_those_of_the_whole_dissection(image_set: ImageSet, segment: str, dimming: str) -> None:
    whole, _ = dissected(image_set, segment=segment, dimming=dimming)
    late, stored = dissected(image_set, segment=segment, dimming=dimming, crops="asked")
    assert whole.manifest["options"].get("dimming", "fixed") == dimming
    assert not [name for name in stored if name.endswith(".jpg")]
    assert late.manifest["sha256"] != whole.manifest["sha256"], "the option is stated"
    before = dict(stored)
    pixels = cut.open_pixels(late, image_set)
    for place in range(len(LAYERS)):
        ours, theirs = late.layer(place), whole.layer(place)
        for name in theirs.keys() - {"tile_sheet"}:
            assert ours[name].tobytes() == theirs[name].tobytes(), name
        units = list(range(len(ours["tile_sheet"])))
        cut.cut_units(
            artifact=late, place=place, units=units[1:], pixels=pixels,
            save=lambda name, data: stored.update({name: bytes(data)}),
        )  # fmt: skip
        for unit in units:
            sheet = str(ours["tile_sheet"][unit])
            assert is_late(sheet)
            assert len(sheet) == 64
            if unit == 0:
                assert tile_name(sheet) not in stored
                continue
            expected = whole.strip(str(theirs["tile_sheet"][unit]))
            assert late.strip(sheet) == expected
            assert stored[checksum_name(sheet)].decode() == hashlib.sha256(expected).hexdigest()
    assert {name: stored[name] for name in before} == before, "what is cut later changes nothing of the artifact"


def test_only_the_photographs_of_a_strip_are_needed(image_set: ImageSet) -> None:
    late, _ = dissected(image_set, crops="asked")
    arrays = late.layer(1)
    read: list[int] = []
    pixels = cut.open_pixels(late, image_set)

    def note(index: int) -> NDArray[np.uint8]:
        read.append(index)
        return pixels(index)

    cut.cut_units(artifact=late, place=1, units=[2], pixels=note, save=lambda name, data: None)
    named = cut.list_images(late, place=1, units=[2])
    assert sorted(set(read)) == named
    assert set(named) == {i for i in [*arrays["top_image"][2], *arrays["low_image"][2]] if i >= 0}


def test_other_maps_than_those_of_the_dissection_are_refused(image_set: ImageSet) -> None:
    late, stored = dissected(image_set, crops="asked")
    maps = unpack_arrays(stored[maps_name(0)])
    maps["top_maps"][0, 0, 0, 0] += 1
    stored[maps_name(0)] = pack_arrays(maps)
    with pytest.raises(ArtifactMalformed, match="unit 0 are not those"):
        cut.cut_units(
            artifact=late, place=0, units=[0], pixels=cut.open_pixels(late, image_set), save=lambda name, data: None
        )
