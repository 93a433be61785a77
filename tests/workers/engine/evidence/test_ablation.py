"""Shares at any layer, importance over a set, and ablation, against slow references on networks of eight units."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch import nn

from tests.workers.engine.making import make_broden
from workers.engine.ablate import AblationInvalid, Asked, ablate
from workers.engine.evidence.ablation import (
    Hits,
    compare_costs,
    estimate_share,
    leave_one_out,
    list_counts,
    order_units,
)
from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.evidence.class_list import read_classes
from workers.engine.evidence.finding import NoHead
from workers.engine.evidence.head import Form
from workers.engine.evidence.shares import StudiedLayer, find_studied, score_without, share_scores
from workers.engine.images.decoding import decode_image
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.layer_maps import LayerError
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.weigh import Photographs, read_images, weigh

N_UNITS, N_CLASSES, PX = 8, 3, 32


class Headless(nn.Module):
    """Two linear layers after the pool: shares are by gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, N_UNITS, 5, stride=4), nn.ReLU())
        self.rest = nn.Sequential(nn.Linear(N_UNITS, 5), nn.ReLU(), nn.Linear(5, N_CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.rest(self.maps(x).mean(dim=(2, 3))))


def make_network(form: Form | None) -> LoadedNetwork:
    torch.manual_seed(5)
    trunk: list[nn.Module] = [nn.Conv2d(3, N_UNITS, 5, stride=4), nn.ReLU()]
    if form is Form.MEAN:
        module: nn.Module = nn.Sequential(*trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(N_UNITS, N_CLASSES))
    elif form is Form.MEAN_OF_SCORES:
        last = [nn.Conv2d(N_UNITS, N_CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        module = nn.Sequential(*trunk, *last)
    else:
        module = Headless()
    for part in module.parameters():
        nn.init.normal_(part)
    return LoadedNetwork("own:net", module.eval(), Preprocessing(input_px=PX), weights_sha256="")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twelve pictures and one file that is none."""
    rng = np.random.default_rng(1)
    for number in range(12):
        coarse = Picture.fromarray(rng.integers(0, 256, size=(4, 4, 3), dtype=np.uint8))
        coarse.resize((PX, PX)).save(tmp_path / f"{number:02d}.png")
    (tmp_path / "broken.png").write_text("no picture")
    return tmp_path


def read_all(network: LoadedNetwork, folder: Path) -> tuple[list[str], torch.Tensor]:
    paths = sorted(path.name for path in folder.glob("[0-9]*.png"))
    pixels = np.stack(
        [decode_image(folder / path, input_px=PX, resize="warp", interpolation="bilinear") for path in paths]
    )
    return paths, normalize(pixels=torch.from_numpy(pixels), preprocessing=network.preprocessing)


def without(network: LoadedNetwork, images: torch.Tensor, units: list[int], layer: str) -> torch.Tensor:
    """Scores with the units' maps at zero, by a hook of the test's own."""

    def silence(_module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        changed[:, units] = 0
        return changed

    handle = network.module.get_submodule(layer).register_forward_hook(silence)
    with torch.no_grad():
        scores = torch.as_tensor(network.module(images))
    handle.remove()
    return scores


LAYERS = [(Form.MEAN, "", "1"), (Form.MEAN_OF_SCORES, "", "1"), (None, "maps", "maps")]


@pytest.mark.parametrize(("form", "asked", "layer"), LAYERS)
def test_scores_without_units_are_the_networks_own(
    form: Form | None, asked: str, layer: str, photographs: Path
) -> None:
    network = make_network(form)
    studied = find_studied(network, asked, device="cpu")
    assert studied.by == ("gradients" if form is None else "contributions")
    _, images = read_all(network, photographs)
    orders, counts = torch.tensor([[3, 0, 2, 7, 1, 4, 6, 5], [0, 1, 2, 3, 4, 5, 6, 7]]), [1, 3, N_UNITS]
    for image in images[:3]:
        found = score_without(studied, image[None], orders, counts).flatten(0, 1)
        taken = [order[:n] for order in orders.tolist() for n in counts]
        slow = torch.cat([without(network, image[None], units, layer) for units in taken])
        torch.testing.assert_close(found, slow, rtol=1e-4, atol=1e-4)


def test_shares_by_gradients_are_those_of_the_head_where_there_is_one(photographs: Path) -> None:
    network = make_network(Form.MEAN)
    head = find_studied(network, "", device="cpu")
    _, images = read_all(network, photographs)
    by_head = share_scores(head, images)
    by_gradients = share_scores(StudiedLayer(network, head.shape, None), images)
    assert by_head.classes.tolist() == by_gradients.classes.tolist()
    torch.testing.assert_close(by_head.units, by_gradients.units, rtol=1e-4, atol=1e-4)


def test_importance_is_the_mean_size_of_shares(photographs: Path) -> None:
    network = make_network(Form.MEAN)
    paths, images = read_all(network, photographs)
    layer = find_studied(network, "", device="cpu")
    found = weigh(layer=layer, photographs=Photographs(photographs, [*paths, "broken.png"]), device="cpu")
    with torch.no_grad():
        maps, last = network.module[:2](images), network.module[4]  # type: ignore[index]
        first = network.module(images).argmax(dim=1)
        shares = last.weight[first] * maps.mean(dim=(2, 3))
    assert found.n_images == 12
    assert list(found.unreadable) == ["broken.png"]
    np.testing.assert_allclose(found.importance, shares.abs().mean(dim=0).numpy(), rtol=1e-4)
    np.testing.assert_allclose(found.mean_share, shares.mean(dim=0).numpy(), rtol=1e-4, atol=1e-5)


def test_labeled_images_are_weighed_as_a_dissection_sees_them(tmp_path: Path) -> None:
    make_broden(tmp_path, rng=np.random.default_rng(3), n_images=3)
    image_set, network = open_image_set(tmp_path), make_network(Form.MEAN)
    (batch,) = read_images(network, Photographs.of_set(image_set), device="cpu")
    seen = np.stack([image_set.read_pixels(index, preprocessing=network.preprocessing) for index in range(3)])
    torch.testing.assert_close(
        batch.images, normalize(pixels=torch.from_numpy(seen), preprocessing=network.preprocessing)
    )
    assert Photographs.of_set(image_set).resize == "warp"


@pytest.mark.parametrize(("form", "asked", "layer"), LAYERS)
def test_ablation_is_as_slowly_written_down(form: Form | None, asked: str, layer: str, photographs: Path) -> None:
    """What an image loses is decided by the other images of its class; those of other classes lose the class's."""
    network = make_network(form)
    paths, images = read_all(network, photographs)
    classes = [place % 3 for place in range(12)]
    wanted = Asked(counts=(2, 5), n_random=3, n_others=2, n_least=4, seed=7)
    studied = find_studied(network, asked, device="cpu")
    found = ablate(
        layer=studied, photographs=Photographs(photographs, [*paths, "broken.png"]), classes=[*classes, 0],
        asked=wanted, device="cpu",
    )  # fmt: skip
    assert (found.counts, found.classes, found.n_images) == ([2, 5], [0, 1, 2], 12)
    assert (len(found.own.whole), len(found.others.whole)) == (12, 6)
    assert found.own.image.tolist() == list(range(12))
    assert all(classes[image] != one for image, one in zip(found.others.image, found.others.class_index, strict=True))
    shares = share_scores(studied, images, torch.tensor(classes)).units.double().numpy()
    rows = 0
    for image, own_class in enumerate(classes):
        others = [place for place in range(12) if classes[place] == own_class and place != image]
        order = sorted(range(N_UNITS), key=lambda unit: -shares[others, unit].mean())
        says = [
            float(without(network, images[image : image + 1], taken, layer).argmax() == own_class)
            for taken in (order[:2], order[:5], order[::-1][:2], order[::-1][:5])
        ]
        assert found.own.without[image, :2].ravel().tolist() == says
        assert found.own.class_index[image] == own_class
        rows += 1
    assert rows == len(found.own.whole)
    np.testing.assert_allclose(found.mean_shares[1], shares[[1, 4, 7, 10]].mean(axis=0), rtol=1e-5)


def test_orders_and_counts_are_stated_rules() -> None:
    assert list_counts(512) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 512]
    assert list_counts(10) == [1, 2, 5, 10]
    assert list_counts(8, [5, 2, 2, 9, 0]) == [2, 5]
    shares = np.array([0.5, -1.0, 0.5, 2.0])
    orders = order_units(shares, n_random=5, seed=(1, 2))
    assert orders[0].tolist() == [3, 0, 2, 1]
    assert orders[1].tolist() == [1, 0, 2, 3]
    assert all(sorted(one) == [0, 1, 2, 3] for one in orders.tolist())
    assert orders.tolist() == order_units(shares, n_random=5, seed=(1, 2)).tolist()
    assert leave_one_out(np.array([12.0, 3.0]), np.array([3.0, 0.0]), n=3).tolist() == [4.5, 1.5]


def test_intervals_are_over_images() -> None:
    share = estimate_share(np.array([1.0, 1, 1, 0]), np.arange(4))
    assert share is not None
    # Wilson's interval for 3 of 4.
    assert (share.value, round(share.low, 3), round(share.high, 3)) == (0.75, 0.301, 0.954)
    assert estimate_share(np.array([]), np.array([], dtype=np.int64)) is None
    # Trials of the same photographs tell nothing new: the interval is that of the photographs.
    assert estimate_share(np.repeat([1.0, 1, 1, 0], 5), np.repeat(np.arange(4), 5)) == share
    some = estimate_share(np.repeat([1.0, 1, 1, 0], [3, 1, 1, 3]), np.repeat(np.arange(4), [3, 1, 1, 3]))
    assert some is not None
    assert (some.value, some.high - some.low > share.high - share.low) == (0.625, True)
    rows = np.zeros((40, 3, 1))
    rows[:, 2, 0] = 1  # random units cost nothing, those of largest share everything
    cost = compare_costs(Hits(np.zeros(40, dtype=np.int64), np.arange(40), np.ones(40), rows), 0)
    assert (cost.value, cost.low, cost.high) == (1, None, None), "all photographs tell the same"
    assert cost.p < 0.01


def test_what_cannot_be_ablated_is_refused_in_a_sentence(photographs: Path) -> None:
    network = make_network(Form.MEAN)
    layer = find_studied(network, "", device="cpu")
    paths = sorted(path.name for path in photographs.glob("[0-9]*.png"))

    def run(paths: list[str], classes: list[int], asked: Asked) -> None:
        ablate(layer=layer, photographs=Photographs(photographs, paths), classes=classes, asked=asked, device="cpu")

    with pytest.raises(AblationInvalid, match="No class has 3 photographs or more; the largest has 2"):
        run(paths[:4], [0, 0, 1, 1], Asked())
    with pytest.raises(AblationInvalid, match="None of the photographs can be read"):
        run(["broken.png"], [0], Asked())
    with pytest.raises(AblationInvalid, match="The layer has 8 units"):
        run(paths, [0] * 12, Asked(counts=(9,)))
    with pytest.raises(NoHead):
        find_studied(make_network(None), "", device="cpu")
    with pytest.raises(LayerError, match="There is no layer 'nothing'"):
        find_studied(network, "nothing", device="cpu")
    assert [batch.n_read for batch in read_images(network, Photographs(photographs, []), device="cpu")] == []


def test_a_list_of_classes_is_read_and_a_bad_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "index.csv"
    file.write_text("\ufeffimage,label,class_index\nb/2.png,cat,7\na.png,dog,0\nb/2.png,cat,7\n")
    assert read_classes(file) == {"a.png": 0, "b/2.png": 7}
    bad = {
        "image,label\na.png,1\n": "has no column class_index",
        "image,class_index\n": "names no photographs",
        "image,class_index\na.png,1\na.png,2\n": "line 3: a.png has another class than before",
        "image,class_index\na.png,-1\n": "'-1' is not a class index",
        "image,class_index\na.png\n": "'' is not a class index",
        "image,class_index\n../a.png,1\n": "not a file below the folder",
        "image,class_index\n,1\n": "not a file below the folder",
    }
    for text, words in bad.items():
        file.write_text(text)
        with pytest.raises(BoxesInvalid, match=words):
            read_classes(file)
    file.write_bytes(b"image,class_index\n\xff\xfe.png,1\n")
    with pytest.raises(BoxesInvalid, match="cannot be read as a CSV"):
        read_classes(file)
    with pytest.raises(BoxesInvalid, match="cannot be read"):
        read_classes(tmp_path / "absent.csv")
