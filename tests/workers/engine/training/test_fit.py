"""Networks learn the classes of photographs; an interrupted fit ends as one that was not; refusals say what to do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.workers.engine import making
from workers.engine.fit import Fitted, Means, choose_recipes, fit
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.label_table import ImageSetError
from workers.engine.networks.loading import LoadedNetwork, load_network
from workers.engine.networks.surgery_recipe import HeadKind
from workers.engine.resampling import bound_rate
from workers.engine.training.classes import read_class_set, split
from workers.engine.training.evaluation import rank_true
from workers.engine.training.options import FitInvalid, FitOptions

TINY = "tests.workers.engine.making:tiny_module"
COLORS = {"blue": (40, 40, 200), "green": (40, 200, 40), "red": (200, 40, 40)}
OPTIONS = FitOptions(layer="3", heads=(HeadKind.GAP,), units=8, epochs=6, patience=6, batch_size=8, learning_rate=0.02)


class Killed(Exception):
    """Stands for kill -9."""


@dataclass
class Kept:
    """Checkpoints in memory; is killed when it has written so many."""

    files: dict[str, bytes] = field(default_factory=dict)
    kill_after: int = 1_000_000
    n_written: int = 0
    often: bool = False

    def checkpoint(self, name: str) -> "KeptOne":
        return KeptOne(self, name)


@dataclass
class KeptOne:
    kept: Kept
    name: str

    def read(self) -> bytes | None:
        return self.kept.files.get(self.name)

    def write(self, data: bytes) -> None:
        self.kept.files[self.name] = data
        self.kept.n_written += 1
        if self.kept.n_written == self.kept.kill_after:
            raise Killed

    def is_due(self) -> bool:
        return self.kept.often


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three classes of twelve pictures each, told by their color."""
    generator = np.random.default_rng(5)
    for name, color in COLORS.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            pixels = np.clip(np.array(color) + generator.normal(0, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
    return tmp_path / "set"


@pytest.fixture
def network() -> LoadedNetwork:
    return load_network(architecture=TINY, weights=None, seed=1)


def run(
    network: LoadedNetwork, root: Path, options: FitOptions, kept: Kept | None = None, spill: Spill = IN_MEMORY
) -> Fitted:
    means = Means("cpu", spill, kept or Kept(), lambda stage, n_done, n_total: None)
    return fit(network=network, classes=read_class_set(root), options=options, means=means)


def load(fitted: Fitted, head: HeadKind, path: Path) -> LoadedNetwork:
    path.write_bytes(fitted.weights[head])
    told = next(one for one in fitted.report["heads"] if one["head"] == head)
    return load_network(architecture=told["architecture"], weights=path)


@pytest.mark.parametrize("is_whole", [False, True])
def test_what_is_fitted_is_loaded_and_names_its_classes(
    network: LoadedNetwork, folders: Path, tmp_path: Path, is_whole: bool
) -> None:
    before = {key: one.clone() for key, one in network.module.state_dict().items()}
    options = replace(OPTIONS, heads=tuple(HeadKind), seeds=2, is_whole=is_whole)
    fitted = run(network, folders, options, spill=Spill(tmp_path))
    report = fitted.report
    assert (report["n_training"], report["n_validation"], report["n_test"]) == (21, 6, 9)
    assert [one["head"] for one in report["heads"]] == ["gap", "gmp", "fc"]
    assert [len(one["seeds"]) for one in report["heads"]] == [2, 2, 2]
    assert len(report["compared"]) == 3
    for told in report["heads"]:
        assert told["top1_error"] == pytest.approx(np.mean([one["top1_error"] for one in told["seeds"]]))
        assert told["top1_error_low"] <= told["top1_error"] <= told["top1_error_high"]
        assert (told["top5_error"], sum(one["n_test"] for one in told["classes"])) == (None, 9)
        assert [one["name"] for one in told["classes"]] == sorted(COLORS)
    gap, fc = report["heads"][0], report["heads"][2]
    assert gap["top1_error"] < 0.2  # colors are learned; guessing errs by two thirds
    assert fc["parameters"] - gap["parameters"] == 8 * 3 * (7 * 7 - 1)
    loaded = load(fitted, HeadKind.GAP, tmp_path / "gap.safetensors")
    assert loaded.class_names == tuple(sorted(COLORS))
    kept = loaded.module.state_dict()
    assert torch.equal(kept["3.weight"], before["3.weight"]) is not is_whole
    # The network that was given stays what it was.
    assert all(torch.equal(before[key], one) for key, one in network.module.state_dict().items())


def test_its_error_is_that_of_the_loaded_network_on_the_test_part(
    network: LoadedNetwork, folders: Path, tmp_path: Path
) -> None:
    fitted = run(network, folders, replace(OPTIONS, epochs=1))
    loaded, classes = load(fitted, HeadKind.GAP, tmp_path / "a.safetensors"), read_class_set(folders)
    wrong = []
    for place in split(classes).test:
        pixels = np.asarray(Image.open(folders / classes.paths[place]).convert("RGB"), dtype=np.float32)
        values = (pixels / 255 - loaded.preprocessing.mean) / loaded.preprocessing.std
        with torch.no_grad():
            scores = loaded.module(torch.tensor(values, dtype=torch.float32).permute(2, 0, 1)[None])
        wrong.append(int(scores.argmax()) != classes.labels[place])
    assert fitted.report["heads"][0]["top1_error"] == pytest.approx(np.mean(wrong))


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_fit_that_was_killed_anywhere_ends_as_one_that_was_not(
    network: LoadedNetwork, folders: Path, is_whole: bool
) -> None:
    """What the network itself draws is drawn again, whatever was drawn before."""
    network.module.get_submodule("2").register_forward_hook(
        lambda part, given, found: torch.dropout(found, 0.5, part.training)
    )
    options = replace(OPTIONS, epochs=3, seeds=2, is_whole=is_whole)
    whole = run(network, folders, options)
    kept = Kept(often=True)  # a checkpoint after each batch
    n_kills = 0
    while True:
        kept.kill_after, kept.n_written = 4, 0
        try:
            again = run(network, folders, options, kept)
            break
        except Killed:
            n_kills += 1
    assert n_kills >= 5
    assert again.weights == whole.weights
    assert again.report == whole.report
    kept.kill_after, kept.n_written = 1_000_000, 0
    # What came to its end is not learned again, unless a photograph changed.
    assert (run(network, folders, options, kept).weights, kept.n_written) == (whole.weights, 0)
    # Another set of options takes up nothing of it.
    other = run(network, folders, replace(options, learning_rate=0.01), kept)
    assert other.weights == run(network, folders, replace(options, learning_rate=0.01)).weights
    (folders / "red" / "0.png").write_bytes((folders / "blue" / "0.png").read_bytes())
    changed = run(network, folders, options, kept)
    assert changed.weights == run(network, folders, options).weights != whole.weights


def test_a_first_epoch_whose_validation_loss_is_not_finite_is_refused(network: LoadedNetwork, folders: Path) -> None:
    def overflow(part: torch.nn.Module, _given: object, found: torch.Tensor) -> torch.Tensor:
        return found if part.training else found / 0

    network.module.get_submodule("2").register_forward_hook(overflow)
    with pytest.raises(FitInvalid, match="on the validation part is not a finite number in epoch 1"):
        run(network, folders, replace(OPTIONS, epochs=1, is_whole=True))


def test_a_fit_stops_early_and_keeps_its_best_epoch(network: LoadedNetwork, folders: Path) -> None:
    told = run(network, folders, replace(OPTIONS, epochs=60, patience=2, learning_rate=0.5)).report["heads"][0][
        "seeds"
    ][0]
    assert told["n_epochs"] == told["best_epoch"] + 2 < 60


def test_a_fitted_network_is_fitted_further(network: LoadedNetwork, folders: Path, tmp_path: Path) -> None:
    first = load(run(network, folders, OPTIONS), HeadKind.GAP, tmp_path / "a.safetensors")
    # A rate of next to nothing: it begins where the first one ended.
    second = run(first, folders, FitOptions(epochs=1, batch_size=8, learning_rate=1e-8))
    again = load(second, HeadKind.GAP, tmp_path / "b.safetensors")
    assert again.architecture == first.architecture
    for key, one in first.module.state_dict().items():
        assert torch.allclose(one, again.module.state_dict()[key], atol=1e-6), key
    with pytest.raises(FitInvalid, match="cut already"):
        run(first, folders, OPTIONS)
    with pytest.raises(FitInvalid, match="--layer"):
        choose_recipes(network, FitOptions(), n_classes=3)


def test_the_split_is_by_class_and_the_same_each_time(folders: Path) -> None:
    classes = read_class_set(folders)
    parts = split(classes)
    for places, n_each in ((parts.training, 7), (parts.validation, 2), (parts.test, 3)):
        assert np.bincount(classes.labels[places]).tolist() == [n_each] * 3
    assert sorted([*parts.training, *parts.validation, *parts.test]) == list(range(36))
    assert split(read_class_set(folders)).test.tolist() == parts.test.tolist()


def test_folders_may_say_what_is_for_the_test(folders: Path, tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / "parted").mkdir(exist_ok=True)
        (tmp_path / "parted" / part).symlink_to(folders if part == "train" else copy_some(folders, tmp_path / "other"))
    classes = read_class_set(tmp_path / "parted")
    parts = split(classes)
    assert classes.names == tuple(sorted(COLORS))
    assert {classes.paths[place].split("/")[0] for place in parts.test} == {"val"}
    assert {classes.paths[place].split("/")[0] for place in [*parts.training, *parts.validation]} == {"train"}
    assert len(parts.test) == 6


@pytest.mark.parametrize(
    ("renamed", "words"),
    [
        ({"red": "Training", "green": "Validation", "blue": "Testing"}, ""),
        ({"red": "Train", "green": "Test"}, ""),
        ({"red": "train", "green": "val", "blue": "extra"}, r"parts of a set \(train, val\), and others .*: extra\."),
        ({"red": "training", "green": "unlabeled"}, r"\(training\), and others beside them: unlabeled\."),
        ({"red": "val", "green": "test"}, r"\(test, val\), but none of them is called train"),
        ({"red": "test", "green": "cat"}, r"\(test\), and others beside them: cat\."),
    ],
)
def test_parts_are_told_from_classes_or_refused(
    renamed: dict[str, str], words: str, folders: Path, tmp_path: Path
) -> None:
    root = tmp_path / "parted"
    root.mkdir()
    for name in renamed.values():
        (root / name).symlink_to(copy_some(folders, tmp_path / f"of-{name}"))
    if words:
        with pytest.raises(ImageSetError, match=words):
            read_class_set(root)
        return
    classes = read_class_set(root)
    assert classes.names == tuple(sorted(COLORS))
    assert {classes.paths[place].split("/")[0] for place in split(classes).test} == {list(renamed.values())[-1]}


def test_a_class_may_be_called_train(folders: Path) -> None:
    (folders / "red").rename(folders / "train")
    assert read_class_set(folders).names == ("blue", "green", "train")


def test_classes_that_are_called_like_label_maps_keep_their_photographs(folders: Path) -> None:
    for name, other in (("red", "photos"), ("green", "labels"), ("blue", "drawings")):
        (folders / name).rename(folders / other)
    classes = read_class_set(folders)
    assert (classes.names, len(classes.paths)) == (("drawings", "labels", "photos"), 36)


def copy_some(folders: Path, to: Path) -> Path:
    for name in COLORS:
        (to / name).mkdir(parents=True)
        for i in range(2):
            (to / name / f"{i}.png").write_bytes((folders / name / f"{i}.png").read_bytes())
    return to


def test_whole_image_labels_of_a_labeled_set_are_classes(shared: Path) -> None:
    root = shared / "data" / "minibroden"
    with pytest.raises(ImageSetError, match=r"no labels of category 'scent'; its categories: .*texture"):
        read_class_set(root, category="scent")


def spoil(folders: Path, name: str, n_left: int) -> None:
    for path in sorted((folders / name).iterdir())[n_left:]:
        path.unlink()


SPOILED: list[tuple[Callable[[Path], object], str]] = [
    (lambda root: spoil(root, "red", 1), r"1 class has fewer than 3 photographs that can be read: red \(1\)"),
    (lambda root: spoil(root, "red", 0), "1 class folder holds no images: red"),
    (lambda root: [spoil(root, name, 0) for name in COLORS], "set holds no images"),
    (lambda root: [path.write_bytes(b"no picture") for path in (root / "red").iterdir()], r"red \(0\)"),
]


@pytest.mark.parametrize(("harm", "words"), SPOILED)
def test_folders_that_cannot_be_learned_from_are_refused(
    network: LoadedNetwork, folders: Path, harm: Callable[[Path], object], words: str
) -> None:
    harm(folders)
    with pytest.raises(ImageSetError, match=words):
        run(network, folders, OPTIONS)


def test_one_class_or_no_folder_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageSetError, match="0 classes; two or more"):
        read_class_set(folders / "red")
    with pytest.raises(ImageSetError, match="no folder of images"):
        read_class_set(tmp_path / "absent")


def test_what_is_unreadable_is_left_out_and_named(network: LoadedNetwork, folders: Path) -> None:
    (folders / "red" / "3.png").write_bytes(b"no picture")
    report = run(network, folders, replace(OPTIONS, epochs=1)).report
    assert list(report["unreadable"]) == ["red/3.png"]
    assert report["n_training"] + report["n_validation"] + report["n_test"] == 35


def test_options_that_make_no_sense_are_refused(network: LoadedNetwork, folders: Path) -> None:
    for wrong in ({"seeds": 0}, {"epochs": 0}, {"batch_size": 1}, {"learning_rate": 0.0}, {"patience": 0}):
        with pytest.raises(FitInvalid):
            replace(OPTIONS, **wrong)
    network.module.get_parameter("3.weight").fill_(float("inf"))
    with pytest.raises(FitInvalid, match="lower --learning-rate"):
        run(network, folders, OPTIONS)


def test_ranks_and_intervals() -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0], [2.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    assert rank_true(scores, np.array([0, 1, 2])).tolist() == [2, 1, 2]
    low, high = bound_rate(0.0, 10)
    assert (low, round(high, 4)) == (0.0, 0.2775)


def test_label_0_of_the_whole_image_is_no_class(tmp_path: Path) -> None:
    """Broden's background; labels of categories that were taken out of category.csv are read as it, too."""
    making.make_broden(tmp_path, rng=np.random.default_rng(5), n_images=30)
    assert ",0\n" in (tmp_path / "index.csv").read_text().replace("\r", "")
    assert read_class_set(tmp_path, category="texture").names == ("banded", "mesh")
