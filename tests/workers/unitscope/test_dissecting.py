"""A dissection in a notebook: the command's own artifact, shown as tables and pictures."""

import gc
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray
from numpy.random import default_rng
from PIL import Image as Picture
from pytest_django import Settings

from tests.house.dissecting import dissect as dissect_by_command
from tests.workers.engine import making
from workers.engine.evidence.finding import find_head
from workers.engine.format.artifact import ArtifactMalformed
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.measures.iou.arrays import MODES, IoU, ModeCounts
from workers.engine.measures.options import DissectionOptions, OptionsInvalid, list_chosen
from workers.engine.measures.table import list_recorded
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.layer_maps import LayerError
from workers.engine.networks.preprocessing import Preprocessing, PreprocessingInvalid
from workers.unitscope import public as unitscope
from workers.unitscope.explanation import Explanation
from workers.unitscope.labeled_arrays import name_axes

TINY = "tests.workers.engine.making:tiny_module"
CHOSEN = {"batch_size": 4, "n_top": 5, "n_low": 1, "tail": 0.2}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook") / "set"
    making.make_broden(folder, rng=default_rng(3), n_images=8)
    return folder


@pytest.fixture(scope="module")
def found(images: Path) -> unitscope.Dissection:
    return unitscope.dissect(TINY, layers=["4"], images=images, progress=False, **CHOSEN)


@pytest.mark.django_db(transaction=True)
def test_the_artifact_is_the_commands(
    images: Path, found: unitscope.Dissection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    dissection = dissect_by_command(images, monkeypatch, tail=CHOSEN["tail"], **list_chosen())
    assert dissection.artifact_sha256 == found.sha256
    rows = {row.unit.index: row for row in dissection.dissected_units.select_related("unit")}
    table = found.units
    assert len(table) == len(rows) == len(found["4"])
    for (_, index), row in table.iterrows():
        assert row["threshold"] == rows[index].threshold
        best = dissection.automatic_labels.filter(unit__index=index, is_best=True).first()
        assert (row["label"], row["iou"]) == ((best.label, best.iou) if best else (None, None))
        if best and best.iou_low is not None:
            assert (row["iou_low"], row["iou_high"]) == (best.iou_low, best.iou_high)
    assert table["label"].notna().any()
    assert table["chance"].notna().all()


def test_saved_and_opened_it_is_the_same(found: unitscope.Dissection, tmp_path: Path) -> None:
    path = found.save(tmp_path / "run.unitscope")
    assert [one.name for one in tmp_path.iterdir()] == ["run.unitscope"]
    opened = unitscope.open_dissection(path)
    assert opened.sha256 == found.sha256
    assert opened.units.equals(found.units)
    mine, theirs = found["4", 2].show(), opened["4", 2].show()
    assert (np.asarray(mine) == np.asarray(theirs)).all()
    assert opened["4"].best(2) == sorted(opened["4"], key=lambda unit: -(unit.iou or 0))[:2]
    with pytest.raises(ValueError, match="load_network"):
        opened.explain(path)


def test_its_arrays_have_named_axes_and_are_written_as_netcdf(images: Path, tmp_path: Path) -> None:
    kept = unitscope.dissect(TINY, layers=["2", "4"], images=images, progress=False, **CHOSEN, activation_vectors=True)
    layer, table = kept["4"], kept["4"].to_xarray()
    best = max(layer, key=lambda unit: unit.iou or 0)
    row = table.sel(unit=best.index)
    assert row["threshold"] == best.threshold
    counts = row.sel(label=best.label)
    union = counts["paper_area"] + counts["paper_truth"] - counts["paper_intersection"]
    assert float(counts["paper_intersection"] / union) == pytest.approx(best.iou)
    assert float(row["paper_best_iou"].max("category")) == pytest.approx(best.iou)
    maxima = row["maxima"]
    assert maxima.sel(image=int(row["top_image"][0])) == maxima.max(), "the top image has the highest peak"
    kept.to_xarray().to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    read = xarray.open_datatree(tmp_path / "run.nc", engine="h5netcdf")
    with read:
        assert set(read.children) == {"2", "4"}
        assert read["4"].to_dataset().equals(table)
        assert read["4"].attrs["artifact_sha256"] == kept.sha256


def test_every_array_that_a_measure_records_has_named_axes() -> None:
    recorded = [measure.arrays for measure in list_recorded() if measure.arrays and measure.arrays is not IoU]
    names = [one.name for record in recorded for one in fields(record)]
    names += [f"{mode}_{one.name}" for mode in MODES for one in fields(ModeCounts)]
    assert len(names) > 30
    assert [name for name in names if name_axes(name) is None] == []


def test_a_unit_outlives_the_dissection_that_it_is_of(images: Path) -> None:
    """Nobody has to keep the whole: `unitscope.dissect(...)["4"].best(1)[0].show()`."""
    layer = unitscope.dissect(
        TINY, layers=["4"], images=images, labels="none", progress=False, **CHOSEN, activation_vectors=True
    )["4"]
    gc.collect()
    unit = next(unit for unit in layer if unit.n_top)
    assert unit.show(1).size[0] > 10
    assert layer.vectors["maxima"].shape == (8, len(layer))
    assert unit.facts()["iou"] is None


def test_a_table_without_labels_has_columns_of_numbers(images: Path, found: unitscope.Dissection) -> None:
    plain = unitscope.dissect(TINY, layers=["2"], images=images, labels="none", progress=False, **CHOSEN).units
    assert (plain.dtypes == found.units.dtypes)[["iou", "iou_low", "iou_high", "chance", "threshold", "peak"]].all()
    assert plain["iou"].isna().all()


def test_a_dissection_says_which_layers_it_holds(found: unitscope.Dissection) -> None:
    assert "4" in found
    assert "5" not in found


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ArtifactMalformed, match="no saved dissection"):
        unitscope.open_dissection(tmp_path / "x")


def test_another_programs_archive_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(2)}, tmp_path / "net.pth")
    with pytest.raises(ArtifactMalformed, match=r"^net.pth is no saved dissection: it has no manifest"):
        unitscope.open_dissection(tmp_path / "net.pth")


def test_a_module_in_memory_stays_as_it_was(images: Path, found: unitscope.Dissection) -> None:
    named = unitscope.load_network(TINY)
    module = named.module.train().requires_grad_()
    own = named.preprocessing
    other = unitscope.dissect(module, layers=["4"], images=images, preprocessing=own, progress=False, **CHOSEN)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert other.units.equals(found.units), "the tensors are the same"
    assert other.sha256 != found.sha256, "known by another name"
    assert other.manifest["network"]["architecture"].startswith("module:torch.nn.")


def test_a_notebook_shows_units_and_explanations(images: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(6, 4),
    )  # fmt: skip
    network = unitscope.load_network(module, preprocessing=making.tiny_network().preprocessing)
    layer = find_head(network).layer
    found = unitscope.dissect(network, layers=[layer], images=images, progress=False, **CHOSEN)
    assert found._repr_html_().count("data:image/jpeg;base64,") > 1
    photograph = tmp_path / "photograph.png"
    Picture.fromarray(default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(photograph)
    why = found.explain(photograph)
    for prediction in why.predictions:
        shares = sum(unit["contribution"] for unit in prediction["units"])
        assert shares + prediction["bias"] + prediction["rest"] == pytest.approx(prediction["logit"], abs=1e-4)
    named = why.units
    assert set(named["label"]) == {found[layer, int(unit)].label for unit in named["unit"]}
    assert why.show().width > 500
    with pytest.raises(ImageUnreadable, match=r"nope\.jpg: the file is missing\."):
        found.explain(tmp_path / "nope.jpg")
    assert "data:image/png;base64," in why._repr_html_()
    saved = unitscope.open_dissection(found.save(tmp_path / "run.unitscope"))
    assert saved.explain(photograph, network=network).predictions == why.predictions
    with pytest.raises(TypeError, match="load_network gives, and not of type Sequential"):
        saved.explain(photograph, network=module)  # type: ignore[arg-type]
    torch.nn.init.ones_(next(module[4].parameters()))
    with pytest.raises(ValueError, match="other weights than the one that was dissected"):
        saved.explain(photograph, network=unitscope.load_network(module, preprocessing=network.preprocessing))


def test_a_module_is_taken_out_of_what_wraps_it_and_runs_in_single_precision() -> None:
    module = making.tiny_module().half()
    wrapped = torch.nn.DataParallel(module)
    network = unitscope.load_network(wrapped)
    assert list(network.module.state_dict()) == list(module.state_dict())
    assert network.module[0].weight.dtype == torch.float32  # type: ignore[index]
    assert network.preprocessing == module.preprocessing
    assert network.architecture.startswith("module:torch.nn.")
    assert "DataParallel was taken off" in network.note
    assert "float16 values are computed with in single precision" in network.note
    assert wrapped.module is module
    assert module[0].weight.dtype == torch.float16
    with pytest.raises(NetworkError, match="a TorchScript program, whose layers cannot be read"):
        unitscope.load_network(torch.jit.trace(module.float(), torch.zeros(1, 3, 32, 32)))  # type: ignore[no-untyped-call]


def test_a_unit_without_a_label_is_not_said_to_wait_for_people() -> None:
    units = [{"index": 3, "contribution": 0.5}]
    answer = {"predictions": [{"class_index": 0, "probability": 0.25, "units": units}]}
    why = Explanation(answer=answer, photograph=b"", names=["cat"], known=None)
    assert repr(why) == "cat  0.250\n  +0.500  unit 3: no label"


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"layers": ["nowhere"]}, LayerError, "nowhere"),
        ({"images": "no_such_folder"}, ImageSetError, "not a folder"),
        ({"n_top": 0}, OptionsInvalid, "n_top"),
        ({"n_tops": 3}, OptionsInvalid, "n_tops"),
        ({"network": "torchvision:no_such"}, NetworkError, "no_such"),
        ({"network": None}, TypeError, "A network is a name, .* not of type NoneType"),
        ({"layers": []}, LayerError, r"layers are dotted paths, .* not \[\]"),
        ({"layers": [4]}, LayerError, r"layers are dotted paths, .* not \[4\]"),
        ({"device": "gpu"}, NetworkError, "There is no device 'gpu' here; torch has 'cpu'"),
        ({"device": "cuda:77"}, NetworkError, "There is no device 'cuda:77'"),
        ({"device": "meta"}, NetworkError, "There is no device 'meta'"),
        ({"network": making.tiny_network(), "device": "gpu"}, NetworkError, "There is no device 'gpu' here"),
        ({"tail": "x"}, OptionsInvalid, "tail is 'x', which is no number"),
        ({"network": torch.nn.ReLU(), "preprocessing": {"px": 96}}, PreprocessingInvalid, "states 'px', which is"),
        ({"images": ["a.jpg"]}, TypeError, "images is the path of a folder, and not of type list: .* Save pictures"),
        ({"images": np.zeros((2, 8, 8, 3))}, TypeError, "images is the path of a folder, and not of type ndarray"),
        ({"weights": {"w": 1}}, TypeError, "weights is the path of a file, and not of type dict: load them into"),
        ({"layers": ["net.4"]}, LayerError, r"There is no layer 'net.4'. Did you mean 4\?"),
        ({"labels": 3}, TypeError, "labels is a path, and not of type int"),
        ({"labels": np.zeros(3)}, TypeError, "labels is a path, and not of type ndarray"),
        ({"layers": None}, LayerError, r"layers are dotted paths, .* not None"),
        ({"n_top": 5.5}, OptionsInvalid, "n_top is 5.5, which is no whole number"),
        ({"n_top": True}, OptionsInvalid, "n_top is True, which is no number"),
        ({"autocast": "no"}, OptionsInvalid, "autocast is 'no'; it must be True or False"),
        ({"segment": 3}, OptionsInvalid, "segment is 3, which is no text"),
        ({"labels": "label.csv"}, ImageSetError, r"labels at label.csv, but at .*/set/label.csv"),
        ({"preprocessing": 96}, TypeError, "preprocessing is a Preprocessing or a dict .* not a int"),
    ],
)  # fmt: skip
def test_bad_input_is_said_in_words(
    images: Path, changed: dict[str, object], error: type[Exception], words: str
) -> None:
    asked = {"network": TINY, "layers": ["4"], "images": images, "progress": False, **changed}
    with pytest.raises(error, match=words):
        unitscope.dissect(**asked)  # type: ignore[arg-type]


def test_options_may_be_numbers_of_numpy_or_have_a_point() -> None:
    plain = DissectionOptions.from_json({"n_top": 5, "tail": 0.5, "autocast": True})
    other = DissectionOptions.from_json({"n_top": np.int64(5), "tail": np.float64(0.5), "autocast": np.bool_(True)})
    assert DissectionOptions.from_json({"n_top": 5.0, "tail": 0.5, "autocast": True}) == plain == other
    assert type(DissectionOptions.from_json({"n_top": 5.0}).to_json()["n_top"]) is int


def test_a_path_may_begin_at_home(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(images.parent))
    found = unitscope.dissect(TINY, layers=["2"], images=f"~/{images.name}", labels="~/set/index.csv", progress=False,
                              **{**CHOSEN, "batch_size": 8})  # fmt: skip
    assert found.images_name == images.name
    assert found.units["label"].notna().any()


def test_units_that_do_not_exist_are_named(found: unitscope.Dissection) -> None:
    with pytest.raises(TypeError, match="photograph is the path of a file, and not of type ndarray: save it"):
        found.explain(np.zeros((8, 8, 3)))  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="no unit 99"):
        found["4", 99]
    with pytest.raises(KeyError, match="no unit 'x'"):
        found["4", "x"]  # type: ignore[index]
    with pytest.raises(KeyError, match="was not dissected"):
        found["5"]
    for key in (3, None, ("4",), ("4", 1, 2)):
        with pytest.raises(KeyError, match=r"d\[LAYER, UNIT\] a unit"):
            found[key]  # type: ignore[index]


def test_a_preprocessing_may_be_stated_in_part() -> None:
    network = unitscope.load_network(torch.nn.ReLU(), preprocessing={"input_px": 96})
    assert network.preprocessing == Preprocessing(input_px=96)


def test_pictures_of_no_crops_are_refused(found: unitscope.Dissection) -> None:
    unit = next(unit for unit in found["4"] if unit.n_top)
    for n, columns in ((0, 6), (-1, 6), (4, 0)):
        with pytest.raises(ValueError, match="at least one crop and one column"):
            unit.show(n, columns=columns)
    with pytest.raises(ValueError, match="number of crops, and not -1"):
        unit.crops(-1)
    assert unit.crops(0) == []
    with pytest.raises(ValueError, match="number of units, and not -1"):
        found["4"].best(-1)


def test_a_piped_run_says_its_progress_line_by_line(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unitscope.dissect(TINY, layers=["4"], images=images, labels="none", **CHOSEN)
    said = capsys.readouterr()
    assert said.out == ""
    assert "images that are no photographs were passed over by the layout Broden" in said.err
    assert "reading the image set: 0 of 8" in said.err.splitlines()
    assert any(line.startswith("measure: ") for line in said.err.splitlines())


def test_a_file_that_cannot_be_written_is_named(found: unitscope.Dissection, tmp_path: Path) -> None:
    for target in (tmp_path / "nowhere" / "x.unitscope", tmp_path):
        with pytest.raises(OSError, match=str(target)) as refused:
            found.save(target)
        assert ".new" not in str(refused.value)


def test_a_saved_file_with_one_other_byte_is_damaged(found: unitscope.Dissection, tmp_path: Path) -> None:
    path = found.save(tmp_path / "run.unitscope")
    with zipfile.ZipFile(path) as archive:
        places = {name: archive.getinfo(name).header_offset for name in ("manifest.json", found["4"].facts["file"])}
    whole = path.read_bytes()
    for name, place in places.items():
        changed = bytearray(whole)
        changed[place + 30 + len(name) + 20] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ArtifactMalformed, match=rf"run.unitscope is damaged \({name}\)"):
            unitscope.open_dissection(path).units  # noqa: B018


def test_a_loaded_network_stays_as_it_was_loaded(images: Path) -> None:
    network = unitscope.load_network(TINY)
    with pytest.raises(TypeError, match="loaded already"):
        unitscope.dissect(network, layers=["4"], images=images, preprocessing=network.preprocessing, progress=False)
