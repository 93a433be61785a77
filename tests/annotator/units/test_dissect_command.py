"""`manage.py dissect` as a researcher runs it: a GPU process on the queue, its artifact ingested."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from numpy.random import default_rng
from PIL import Image
from pytest_django import Settings

from annotator.units.gpu_process import gpu_process_if_none
from annotator.units.models import DissectedUnit, Dissection, GPUTask, TopImage
from annotator.units.progress import read_survey
from tests.workers.engine import making, oracles
from tests.workers.engine.options import check_artifact
from workers.engine.format.artifact import field_name, read_artifact
from workers.engine.images.readers.table import open_image_set
from workers.store import open_store

NETWORK = "tests.workers.engine.making:tiny_module"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", autouse=True)
def own_gpu_process(s3_root: str) -> Iterator[None]:
    """One for all tests here: starting torch takes longer than any of them. It finds moto's server where we do."""
    with gpu_process_if_none():
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("broden") / "set"
    making.make_broden(root, rng=default_rng(3), n_images=20)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save({"state_dict": making.tiny_network(seed=4).module.state_dict()}, path)
    return path


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"


def dissect(*arguments: str) -> Any:
    output = io.StringIO()
    # What chance gives would be a second dissection; test_chance.py shows it.
    given = ["--network", NETWORK, "--layer", "4", "--batch-size", "4", "--no-chance", *arguments]
    call_command("dissect", *given, "--json", stdout=output)
    return json.loads(output.getvalue())


def test_a_pth_file_is_dissected_with_its_empirical_fields(images: Path, weights: Path) -> None:
    facts = dissect(
        "--weights", str(weights), "--images", str(images), "--receptive-fields", "5", "--segment", "disk"
    )  # fmt: skip
    dissection = Dissection.objects.get(id=facts["id"])
    store = open_store(dissection.artifact)
    artifact = read_artifact(store.read)
    check_artifact(artifact)
    stated = artifact.manifest["layers"][0]["empirical_receptive_field"]
    units = list(DissectedUnit.objects.filter(dissection=dissection).order_by("unit__index"))
    assert [unit.empirical_size_px for unit in units] == artifact.layer(0)["empirical_size"].tolist()
    assert stated["mean"] == pytest.approx(np.mean([unit.empirical_size_px for unit in units]), abs=1e-3)
    assert 0 < stated["mean"] < 32
    shown = Image.open(io.BytesIO(store.read(field_name(units[0].empirical_picture))))
    map_ = artifact.layer(0)["empirical_map"][0]
    assert shown.size == map_.shape[::-1]
    np.testing.assert_allclose(np.asarray(shown), map_ / map_.max() * 255, atol=0.51)
    # A crop is at least as wide as the layer's mean field, and no longer the quarter image that stands in for it.
    sides = TopImage.objects.filter(dissected_unit__dissection=dissection).values_list("crop_side", flat=True)
    assert min(sides) >= round(stated["mean"])
    stated = artifact.manifest["layers"][0]["detectors"]["paper"]
    assert {name: dissection.detectors["4"]["paper"][name] for name in stated} == stated


def test_rotations_count_unique_detectors_for_each_power(images: Path, weights: Path) -> None:
    found = dissect("--weights", str(weights), "--images", str(images), "--rotation", "0", "0.5", "1")
    assert [facts["rotation"] for facts in found] == [0, 0.5, 1]
    assert [facts["n_units"] for facts in found] == [5, 0, 0], "turned units are not the network's"
    for facts in found:
        arrays = read_artifact(open_store(facts["artifact"]).read).layer(0)
        over = [arrays["paper_best_label"][:, c][arrays["paper_best_iou"][:, c] > 0.04] for c in range(4)]
        assert facts["detectors"]["4"]["paper"]["n_unique"] == sum(len(set(labels)) for labels in over)
    assert len({facts["artifact_sha256"] for facts in found}) == 3
    with pytest.raises(CommandError, match="own basis"):
        dissect("--images", str(images), "--rotation", "0.5", "--receptive-fields", "5")


def test_weights_images_and_artifact_may_lie_in_an_s3_store(
    images: Path, weights: Path, s3_root: str, settings: Settings
) -> None:
    local = dissect("--weights", str(weights), "--images", str(images))
    remote = open_store(s3_root)
    remote.write("weights/tiny.pth", weights.read_bytes())
    for path in images.rglob("*.*"):
        remote.write(f"set/{path.relative_to(images).as_posix()}", path.read_bytes())
    settings.ARTIFACT_ROOT = s3_root
    facts = dissect("--weights", f"{s3_root}/weights/tiny.pth", "--images", f"{s3_root}/set")
    assert facts["artifact"].startswith("s3://")
    assert facts["artifact_sha256"] == local["artifact_sha256"], "the same work, wherever its parts lie"
    check_artifact(read_artifact(open_store(facts["artifact"]).read))


def test_disks_without_empirical_fields_are_refused_in_words(images: Path) -> None:
    with pytest.raises(CommandError, match="Segments as disks need empirical receptive fields"):
        dissect("--images", str(images), "--segment", "disk")


def survey_of(facts: dict[str, Any]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = read_survey(Dissection.objects.get(id=facts["id"]))["memory"]
    return found


def test_the_memory_that_is_needed_is_said_beforehand(images: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stages = survey_of(dissect("--images", str(images)))
    words = "; ".join(f"{stage}: at most {need['in_memory'] / 1e6:,.0f} MB of memory" for stage, need in stages.items())
    assert f"Beside the network, {words}. Results and shards: about" in " ".join(capfd.readouterr().err.split())


def test_what_does_not_fit_in_memory_goes_to_files_and_the_result_is_the_same(
    images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = dissect("--images", str(images), "--exemplars", "2")
    need = survey_of(plain)["merge"]
    assert need["spilled"] < need["in_memory"]
    between = (need["spilled"] + need["in_memory"]) / 2e9
    facts = dissect("--images", str(images), "--exemplars", "2", "--memory-limit", str(between))
    assert facts["artifact_sha256"] == plain["artifact_sha256"]
    assert survey_of(facts)["merge"]["spills"]
    said = " ".join(capfd.readouterr().err.split())
    assert f"MB of memory and {need['files_spilled'] / 1e6:,.0f} MB of temporary files" in said
    for name in ("images.npy", "masks.npy", "units.npy"):
        found, expected = (open_store(one["artifact"]).read(f"exemplars/layer-0/{name}") for one in (facts, plain))
        assert found == expected


def test_what_cannot_fit_is_refused_before_the_pass_with_the_numbers(images: Path) -> None:
    with pytest.raises(CommandError, match=r"needs up to \d\.\d GB of memory even .* 0\.1 GB are allowed by"):
        dissect("--images", str(images), "--memory-limit", "0.1")
    assert not GPUTask.objects.exclude(stage=GPUTask.Stage.SURVEY).exists()
    with pytest.raises(CommandError, match="gigabytes above 0"):
        dissect("--images", str(images), "--memory-limit", "-1")


def test_saved_activations_are_dissected_in_place_of_a_network(images: Path, weights: Path, tmp_path: Path) -> None:
    network = making.tiny_network(seed=4)
    image_set = open_image_set(images)
    maps = oracles.dense_activations(network=network, path="4", image_set=image_set, batch_size=4)
    np.save(tmp_path / "latents.npy", maps)
    output = io.StringIO()
    given = ["--activations", str(tmp_path / "latents.npy"), "--images", str(images), "--batch-size", "4"]
    preprocessing = json.dumps(network.preprocessing.to_json())
    call_command("dissect", *given, "--preprocessing", preprocessing, "--json", stdout=output)
    facts = json.loads(output.getvalue())
    assert (facts["layers"], facts["network"], facts["n_units"]) == (["latents"], "latents", 5)
    found, expected = (
        read_artifact(open_store(one["artifact"]).read).layer(0)
        for one in (facts, dissect("--weights", str(weights), "--images", str(images)))
    )
    np.testing.assert_array_equal(found["top_image"], expected["top_image"])
    np.testing.assert_array_equal(found["threshold"], expected["threshold"])
    with pytest.raises(CommandError, match="stands in place of"):
        dissect("--activations", str(tmp_path / "latents.npy"), "--images", str(images))
    with pytest.raises(CommandError, match="no network to occlude"):
        call_command("dissect", *given, "--network-name", "occluded", "--receptive-fields", "5")
    with pytest.raises(CommandError, match="only n_top = 57 top images"):
        call_command("dissect", *given, "--network-name", "many", "--exemplars", "100")
    encoder = {"W_enc": torch.from_numpy(default_rng(5).normal(size=(5, 12)).astype(np.float32))}
    torch.save(encoder, tmp_path / "sae.pt")
    latents = np.einsum("buhw,ul->blhw", maps, encoder["W_enc"].numpy()).clip(min=0)
    np.save(tmp_path / "latents.npy", latents.astype(np.float32))
    saved = io.StringIO()
    call_command("dissect", *given, "--network-name", "saved", "--preprocessing", preprocessing, "--json", stdout=saved)
    facts = dissect("--weights", str(weights), "--images", str(images), "--encoder", str(tmp_path / "sae.pt"))
    assert (facts["layers"], facts["network"], facts["n_units"]) == (["latents"], "tiny-module-sae", 12)
    found, expected = (
        read_artifact(open_store(one["artifact"]).read).layer(0) for one in (facts, json.loads(saved.getvalue()))
    )
    np.testing.assert_array_equal(found["top_image"], expected["top_image"])
    np.testing.assert_allclose(found["threshold"], expected["threshold"], rtol=1e-5)
    again = dissect("--weights", str(weights), "--images", str(images), "--encoder", str(tmp_path / "sae.pt"))
    assert (again["network"], again["artifact_sha256"]) == (facts["network"], facts["artifact_sha256"])
    for arguments, said in (
        (["--layer", "2"], "the one --layer it was trained on"),
        (["--encoder-activation", "gelu"], "none of relu, jumprelu or topk-K"),
        (["--encoder-activation", "jumprelu"], "has no thresholds"),
        (["--encoder", str(tmp_path / "none.pt")], "no weights file at .*none.pt"),
    ):
        with pytest.raises(CommandError, match=said):
            dissect("--images", str(images), "--encoder", str(tmp_path / "sae.pt"), *arguments)
    np.save(tmp_path / "latents.npy", maps[:3])
    with pytest.raises(CommandError, match="holds 3 images"):
        call_command("dissect", *given, "--network-name", "short")
