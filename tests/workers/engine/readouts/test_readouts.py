"""Read-outs of a small network on photographs that the test paints: maps, shares, labeled pixels, negatives, files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save
from torch import nn

from tests.workers.engine.making import write_index, write_label_map, write_tables
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.readouts.bench import Bench
from workers.engine.readouts.epochs import run_epochs
from workers.engine.readouts.features import PART, ReadLayer
from workers.engine.readouts.fit import fit_readout
from workers.engine.readouts.judging import find_precision
from workers.engine.readouts.linear import Weights
from workers.engine.readouts.options import Options, ReadoutInvalid
from workers.engine.readouts.readout import ABOUT, TENSORS, Readout
from workers.engine.readouts.show import show_readout
from workers.engine.readouts.shown import Wanted
from workers.engine.readouts.tasks import classify
from workers.store import open_store

PX, MAP_PX = 32, 16
COLORS = {3: (220, 30, 30), 4: (30, 30, 220)}


class Forgetful:
    """A checkpoint that keeps what was written, and is always due."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.name = ""

    def __call__(self, name: str) -> "Forgetful":
        self.name = name
        return self

    def read(self) -> bytes | None:
        return self.data.get(self.name)

    def write(self, data: bytes) -> None:
        self.data[self.name] = data

    def is_due(self) -> bool:
        return True


def make_network() -> LoadedNetwork:
    """Eight units, each a mixture of the colors of a cell of 4 x 4 pixels."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.AvgPool2d(4), nn.Conv2d(3, 8, 1), nn.ReLU()).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return LoadedNetwork("tests:mixture", module, Preprocessing(input_px=PX), weights_sha256="one")


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Gray photographs, half of them with a red or a blue square somewhere, in Broden's layout."""
    root, rng = tmp_path / "set", np.random.default_rng(3)
    (root / "images").mkdir(parents=True)
    write_tables(root)
    rows: list[dict[str, object]] = []
    for number in range(48):
        pixels, labels = np.full((PX, PX, 3), 128, np.uint8), np.zeros((MAP_PX, MAP_PX), np.int64)
        label = (3, 4, 0, 0)[number % 4]
        if label:
            top, left = rng.integers(0, MAP_PX - 6, size=2)
            labels[top : top + 6, left : left + 6] = label
            pixels[2 * top : 2 * top + 12, 2 * left : 2 * left + 12] = COLORS[label]
        Image.fromarray(pixels).save(root / "images" / f"{number:02}.png")
        write_label_map(root / "images" / f"{number:02}_object.png", labels)
        row: dict[str, object] = {"image": f"{number:02}.png", "split": "train", "object": f"{number:02}_object.png"}
        rows.append({**row, "ih": PX, "iw": PX, "sh": MAP_PX, "sw": MAP_PX})
    write_index(root, rows)
    return root


@pytest.fixture
def fit(tmp_path: Path, labeled: Path) -> Callable[..., tuple[Readout, dict[str, Any]]]:
    def run(task: str, *, checkpoint: Forgetful | None = None, data: Path = labeled, **given: Any) -> Any:
        options = Options(data=(str(data),), **{"category": "object", "min_images": 4, **given})
        bench = Bench(
            layer=ReadLayer.find(make_network(), "2", device="cpu"), options=options, data=[data],
            images=labeled / "images" if data != labeled else None, store=open_store(str(tmp_path / "features")),
            checkpoint=checkpoint or Forgetful(), progress=lambda stage, n_done, n_total: None,
        )  # fmt: skip
        return fit_readout(task, bench)

    return run


def test_a_list_says_which_photographs_are_for_the_test(fit: Any, labeled: Path) -> None:
    listed = tuple(f"{number:02}.png" for number in range(0, 48, 3))
    readout, report = fit("classify", test=listed)
    assert (report["n_test"], report["split"]) == (16, "as a list says")
    assert fit("classify", test=listed[::-1])[0].arrays["weight"].tolist() == readout.arrays["weight"].tolist()
    assert fit("regress", label=readout.names[0], test=listed)[1]["n_test"] == 16
    with pytest.raises(ReadoutInvalid, match=r"1 photograph that is not there, or unreadable: absent\.png"):
        fit("cluster", clusters=2, test=(*listed, "absent.png"))


def test_maps_of_labels_find_their_pixels_and_stand_beside_center_and_chance(fit: Any, labeled: Path) -> None:
    readout, report = fit("classify", test_share=0.5)
    assert len(readout.names) == report["n_mapped_labels"] == 2
    assert report["n_training"] == report["n_test"] == 24
    chance = np.mean([36 / MAP_PX**2] * 2)
    assert report["pixel_ap_chance"]["value"] == pytest.approx(chance)
    assert report["pixel_ap"]["value"] > 0.7 > 0.4 > report["pixel_ap_center"]["value"]
    assert report["pointing"]["value"] > 0.9 > report["pointing_center"]["value"]
    answer, maps = show_readout(
        readout=readout, network=make_network(), path=labeled / "images" / "00.png", wanted=Wanted(n_units=3),
        device="cpu",
    )  # fmt: skip
    assert (answer["prediction"], answer["score"] > 0) == (readout.names[0], True)
    bias = answer["bias"]
    assert np.mean(answer["map"]) + bias == pytest.approx(answer["score"], abs=1e-6)
    shares = sum(unit["contribution"] for unit in answer["units"])
    assert shares + answer["rest"] + bias == pytest.approx(answer["score"], abs=1e-6)
    weights = Weights(np.eye(8)[5], 0.0)
    assert weights.map_over(maps) == pytest.approx(maps[5] / np.linalg.norm(maps.mean(axis=(1, 2))), rel=1e-5)


def test_the_labels_that_are_named_count(fit: Any, labeled: Path) -> None:
    rows = [f"images/{number:02}.png,{'left' if number % 2 else 'right'}" for number in range(48)]
    (labeled / "sides.csv").write_text("\n".join(["image,label", *rows]))
    readout, _ = fit("classify", labels="sides.csv")
    assert set(readout.names) == {"left", "right"}
    readout, _ = fit("regress", labels=str(labeled / "sides.csv"), label="left")
    assert readout.names == ["share of left, less its mean"]
    with pytest.raises(ReadoutInvalid, match="has no label 'left'"):
        fit("regress", label="left")


def test_the_share_that_a_label_covers_is_read_with_its_sign(fit: Any, labeled: Path) -> None:
    name = fit("classify")[0].names[0]
    readout, report = fit("regress", label=name)
    assert report["lowest"] < 0 < report["highest"]
    assert report["explained"]["value"] > 0.5
    assert report["sign"]["value"] > report["sign_of_most"]["value"]
    for picture, sign in (("00.png", 1), ("02.png", -1)):
        answer, _ = show_readout(
            readout=readout, network=make_network(), path=labeled / "images" / picture, wanted=Wanted(), device="cpu"
        )  # fmt: skip
        assert np.sign(answer["prediction"]) == sign
        assert np.mean(answer["map"]) + answer["bias"] == pytest.approx(answer["prediction"], abs=1e-6)


def test_a_map_between_two_clusters_is_twice_the_difference_of_their_means(fit: Any, labeled: Path) -> None:
    readout, report = fit("cluster", clusters=3)
    assert report["n_images"] == 48, "label maps are no photographs"
    with pytest.raises(ReadoutInvalid, match="No photograph has a path that begins with 'other/'"):
        fit("cluster", below="other/")
    assert report["distance"]["value"] < report["distance_to_random_photographs"]["value"]
    wanted = Wanted(answer="cluster 3", against="cluster 1")
    answer, maps = show_readout(
        readout=readout, network=make_network(), path=labeled / "images" / "01.png", wanted=wanted, device="cpu"
    )  # fmt: skip
    means = readout.arrays["weight"].astype(np.float64) / 2
    f = maps / np.linalg.norm(maps.mean(axis=(1, 2)))
    assert np.array(answer["map"]) == pytest.approx(np.einsum("k,khw->hw", 2 * (means[2] - means[0]), f), abs=1e-5)
    x = f.mean(axis=(1, 2))
    apart = ((x - means[0]) ** 2).sum() - ((x - means[2]) ** 2).sum()
    assert answer["score"] == pytest.approx(apart, abs=1e-5)


def test_captions_go_on_from_a_checkpoint_and_have_a_map_for_each_word(
    fit: Any, labeled: Path, tmp_path: Path
) -> None:  # fmt: skip
    lines = ["image,caption"]
    for number in range(48):
        word = ("red", "blue", "no", "no")[number % 4]
        lines += [f"{number:02}.png,There is a {word} square .", f"{number:02}.png,a {word} square"]
    (tmp_path / "captions.csv").write_text("\n".join(lines))
    kept = Forgetful()
    whole, report = fit("caption", data=tmp_path / "captions.csv", epochs=4)
    fit("caption", data=tmp_path / "captions.csv", epochs=2, checkpoint=kept)
    again, _ = fit("caption", data=tmp_path / "captions.csv", epochs=4, checkpoint=kept)
    for name, array in whole.arrays.items():
        assert array == pytest.approx(again.arrays[name], abs=1e-5)
    assert report["is_toy"]
    assert {"bleu1", "bleu4_nearest", "cider", "cider_nearest", "cider_gain"} <= report.keys()
    answer, _ = show_readout(
        readout=whole, network=make_network(), path=labeled / "images" / "00.png", wanted=Wanted(), device="cpu"
    )  # fmt: skip
    assert answer["prediction"] == " ".join(one["word"] for one in answer["words"])
    assert answer["notes"] == [], "that it is a toy is told once, by the page or the command"
    assert all(np.array(one["map"]).shape == (8, 8) for one in answer["words"])
    of_words = sum(np.array(one["map"]) for one in answer["words"])
    assert np.array(answer["map"]) == pytest.approx(of_words, abs=1e-6)
    # A phrase makes two classes of the same captions.
    plain = {"data": tmp_path / "captions.csv", "category": "", "min_images": 30}
    _, found = fit("classify", **plain, phrase="Red square")
    assert found["classes"][0]["name"] == "red square"
    assert found["precision"]["value"] > found["precision_chance"]["value"]


def test_an_epoch_takes_one_thread_and_gives_the_others_back() -> None:
    seen: list[int] = []
    torch.set_num_threads(2)
    try:
        run_epochs(
            tensors={"x": torch.zeros(1)}, n_epochs=2, learn=lambda _: seen.append(torch.get_num_threads()),
            checkpoint=Forgetful(), progress=lambda _: seen.append(torch.get_num_threads()),
        )  # fmt: skip
        assert seen == [1, 2, 1, 2]
    finally:
        torch.set_num_threads(1)


def test_options_that_would_do_nothing_are_refused(fit: Any, labeled: Path, tmp_path: Path) -> None:
    for name, color in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
        (tmp_path / "classes" / name).mkdir(parents=True)
        Image.new("RGB", (PX, PX), color).save(tmp_path / "classes" / name / "0.png")
    with pytest.raises(ReadoutInvalid, match="With class folders, --below and --category and --min-images would do"):
        fit("classify", data=tmp_path / "classes", below="red/")
    (tmp_path / "captions.csv").write_text("image,caption\n00.png,A square\n01.png,A square\n")
    with pytest.raises(ReadoutInvalid, match="--phrase '!!!' holds no word"):
        fit("classify", data=tmp_path / "captions.csv", category="", min_images=30, phrase="!!!")
    for given, words in (
        ({"data": tmp_path / "classes", "seed": 1, "test": ("0.png",)}, "With class folders, .* and --test would"),
        (
            {"data": tmp_path / "captions.csv", "phrase": "a", "positive": "a", "below": "b"},
            "With --phrase, --below and --category",
        ),
        ({"images": "x"}, "With a labeled image set, --images would"),
        ({"test": ("00.png",), "test_share": 0.5}, "With a list of photographs, --test-share would"),
    ):
        with pytest.raises(ReadoutInvalid, match=words):
            fit("classify", **given)
    rows = [f"{number:02}.png,{number},{'test' if number % 2 else 'train'}" for number in range(48)]
    (tmp_path / "targets.csv").write_text("\n".join(["image,target,split", *rows]))
    with pytest.raises(ReadoutInvalid, match="With a split that the data state, --test-share would"):
        fit("regress", data=tmp_path / "targets.csv", test_share=0.5, category="")
    with pytest.raises(ReadoutInvalid, match="With a CSV of targets, --category would"):
        fit("regress", data=tmp_path / "targets.csv")
    (tmp_path / "asked.csv").write_text("image,question,answer,split\n00.png,what,red,train\n01.png,what,blue,test\n")
    with pytest.raises(ReadoutInvalid, match="With a split that the data state, --test-share would"):
        fit("vqa", data=tmp_path / "asked.csv", test_share=0.5)
    clusters, _ = fit("cluster", clusters=3)
    number = replace(clusters, task="regress")
    for readout, wanted, words in (
        (number, Wanted(answer="x"), "has no answers to choose from"),
        (number, Wanted(question="why"), "answers no questions"),
        (clusters, Wanted(question="why"), "answers no questions"),
    ):
        with pytest.raises(ReadoutInvalid, match=words):
            show_readout(
                readout=readout, network=make_network(), path=labeled / "images" / "00.png", wanted=wanted,
                device="cpu",
            )  # fmt: skip


def test_hard_negatives_are_those_of_highest_score() -> None:
    rng = np.random.default_rng(5)
    easy, hard = rng.normal((-3, 0), 0.1, size=(300, 2)), rng.normal((0.8, 0), 0.1, size=(4, 2))
    positives = rng.normal((1.2, 0.6), 0.1, size=(6, 2))
    x = np.concatenate([positives, easy, hard]).astype(np.float32)
    truth = np.arange(len(x)) < len(positives)
    for n_rounds, n_wrong in ((1, 0), (3, 0)):
        weight, bias = classify.learn(x, truth, c=10.0, n_rounds=n_rounds)
        assert ((x[~truth] @ weight + bias) > 0).sum() == n_wrong
    few = np.concatenate([positives, easy[::50]]).astype(np.float32)
    weight, bias = classify.learn(few, np.arange(len(few)) < len(positives), c=10.0)
    assert ((hard @ weight + bias) > 0).all()  # without them, all are taken for positives


def test_units_are_pooled_once_and_part_by_part(tmp_path: Path, labeled: Path) -> None:
    from workers.engine.readouts.features import pool_photographs

    store, layer = open_store(str(tmp_path / "kept")), ReadLayer.find(make_network(), "2", device="cpu")
    paths = [f"{number:02}.png" for number in range(3)] + ["absent.png"]
    told: list[int] = []
    found = pool_photographs(layer, labeled / "images", paths, store=store, progress=told.append)
    assert found.is_readable.tolist() == [True, True, True, False]
    assert list(found.unreadable) == ["absent.png"]
    (name,) = store.names()
    blind = replace(layer, network=replace(layer.network, module=nn.Identity()))
    again = pool_photographs(blind, labeled / "images", paths, store=store, progress=told.append)
    assert np.array_equal(again.values, found.values, equal_nan=True)
    # Another content of a file is another set.
    Image.fromarray(np.zeros((PX, PX, 3), np.uint8)).save(labeled / "images" / "00.png")
    assert pool_photographs(layer, labeled / "images", paths, store=store, progress=told.append).key not in name
    assert len(paths) < PART


def test_a_read_out_is_no_code_and_knows_its_network(fit: Any) -> None:
    readout, _ = fit("classify")
    files: dict[str, bytes] = {}
    readout.write(files.__setitem__)
    assert list(files) == [TENSORS, ABOUT]
    again = Readout.read(files.__getitem__)
    assert (again.names, again.layer) == (readout.names, "2")
    again.demand(make_network())
    with pytest.raises(ReadoutInvalid, match=r"network changed .* \(weights\)"):
        again.demand(replace(make_network(), weights_sha256="two"))
    for broken in ({**files, TENSORS: save({"weight": np.zeros((1, 2), np.float32)})}, {**files, ABOUT: b"\x80\x04."}):
        with pytest.raises(ReadoutInvalid):
            Readout.read(broken.__getitem__)


def test_average_precision_counts_equal_scores_together() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    truth = np.array([False, True, False, True, True])
    assert find_precision(scores, truth) == pytest.approx((2 * 2 / 4 + 3 / 5) / 3)
    assert find_precision(np.zeros(8), np.arange(8) < 2) == pytest.approx(0.25)
    assert np.isnan(find_precision(scores, np.zeros(5, bool)))
