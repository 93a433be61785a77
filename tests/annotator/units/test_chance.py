"""What chance gives stands beside the detectors of each dissection, and is measured once for all that share it."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from django.core.management import call_command
from django.test import Client
from numpy.random import default_rng
from pytest_django import Settings

from annotator.dashboard.dissections.listing import list_dissections
from annotator.units.chance import find_keys
from annotator.units.models import AutomaticLabel, Dissection, RandomBaseline, Unit
from tests.workers.engine import making, oracles
from tests.workers.engine.options import make_options
from workers.engine import dissect as engine
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.iou.arrays import IoU
from workers.engine.networks.identity import RANDOM
from workers.engine.networks.loading import load_network
from workers.engine.networks.random_weights import draw_weights

NETWORK = "tests.workers.engine.making:tiny_module"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("broden") / "set"
    making.make_broden(root, rng=default_rng(3), n_images=20)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    paths = []
    for seed in (4, 5):
        path = tmp_path_factory.mktemp("weights") / f"tiny{seed}.pth"
        torch.save({"state_dict": making.tiny_network(seed=seed).module.state_dict()}, path)
        paths.append(str(path))
    return paths


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"


def dissect(*arguments: str) -> Any:
    output = io.StringIO()
    call_command(
        "dissect", "--network", NETWORK, "--batch-size", "4", "--tail", "0.05", *arguments, "--json", stdout=output
    )
    return json.loads(output.getvalue())


def measure_by_chance(images: Path, layer: str) -> dict[str, Any]:
    """The same with the engine alone."""
    network = draw_weights(load_network(architecture=NETWORK, weights=None), seed=1)
    image_set, options = open_image_set(images), make_options(batch_size=4, tail=0.05, chance=False)
    tally = engine.measure_shard(
        network=network, layers=[layer], image_set=image_set, options=options, shard=engine.Shard(0, 20)
    )
    (result,) = making.finish(network=network, image_set=image_set, tally=tally, options=options)
    return result.result(IoU).modes["paper"].count_detectors()


def test_the_layers_are_measured_with_random_weights_and_with_shuffled_labels(images: Path, weights: list[str]) -> None:
    facts = dissect("--layer", "4", "--weights", weights[0], "--images", str(images))
    expected = measure_by_chance(images, "4")
    by_chance = facts["chance"]["4"]["paper"]
    random = by_chance["random_weights"]
    assert {name: random[name] for name in expected} == expected
    assert (random["seed"], random["weights_from"]) == (1, RANDOM)
    assert by_chance["shuffled_labels"] == facts["detectors"]["4"]["paper"]["shuffled_labels"]
    assert random["n_detectors"] != facts["detectors"]["4"]["paper"]["n_detectors"]


def test_a_baseline_is_measured_once_for_each_layer_of_an_architecture(images: Path, weights: list[str]) -> None:
    first = dissect("--layer", "4", "--weights", weights[0], "--images", str(images))
    again = dissect("--layer", "4", "--weights", weights[1], "--images", str(images), "--n-top", "5", "--seed", "3")
    baseline = Dissection.objects.get(is_baseline=True)
    assert again["chance"]["4"]["paper"]["random_weights"] == first["chance"]["4"]["paper"]["random_weights"]
    more = dissect("--layer", "4", "--layer", "1", "--weights", weights[1], "--images", str(images))
    assert set(more["chance"]) == {"4", "1"}
    other = Dissection.objects.exclude(pk=baseline.pk).get(is_baseline=True)
    assert (baseline.layer_paths, other.layer_paths) == (["4"], ["1"])
    dissect("--layer", "4", "--weights", weights[0], "--images", str(images), "--tail", "0.02")
    assert RandomBaseline.objects.filter(layer_path="4").count() == 2, "another tail gives other counts"


def test_a_baseline_is_shared_only_by_networks_of_as_many_classes(tmp_path: Path) -> None:
    stated = {"options": {"rotation": 0}, "labels": ["a label"], "layers": [{"path": "features.3"}], "image_set": {}}
    keys, drawn = [], []
    for name, n_classes in (("first", 3), ("second", 3), ("other", 4), ("plain", 1000)):
        module = torchvision.models.get_model("squeezenet1_1", weights=None, num_classes=n_classes)
        torch.save(module.state_dict(), tmp_path / f"{name}.pth")
        network = load_network(architecture="torchvision:squeezenet1_1", weights=tmp_path / f"{name}.pth")
        keys.append(find_keys({**stated, "network": network.describe()})["features.3"])
        drawn.append(draw_weights(network, seed=1).weights_sha256)
    for values in (keys, drawn):
        assert values[0] == values[1]
        assert len(set(values)) == 3


def test_units_of_random_weights_are_counted_and_shown_nowhere(
    images: Path, weights: list[str], client: Client, django_user_model: Any
) -> None:
    facts = dissect("--layer", "4", "--weights", weights[0], "--images", str(images))
    baseline = Dissection.objects.get(is_baseline=True)
    assert not baseline.dissected_units.exists()
    assert not AutomaticLabel.objects.filter(dissection=baseline).exists()
    assert Unit.objects.count() == facts["n_units"] == 5
    assert [str(one["dissection"].pk) for one in list_dissections(5)] == [facts["id"]]


def test_every_label_near_the_bound_has_its_interval(images: Path, weights: list[str]) -> None:
    dissect("--layer", "4", "--weights", weights[0], "--images", str(images))
    labels = AutomaticLabel.objects.all()
    assert labels.filter(is_best=True, iou_low__isnull=True).count() == 0
    near = labels.filter(iou__gt=0.04)
    assert near.count() > 2
    assert all(label.iou_low is not None and label.iou_high is not None for label in near)


def test_the_command_says_what_chance_gives(images: Path, weights: list[str]) -> None:
    output = io.StringIO()
    given = ["--network", NETWORK, "--layer", "4", "--weights", weights[0], "--images", str(images)]
    call_command("dissect", *given, "--batch-size", "4", "--tail", "0.05", stdout=output)
    dissection = Dissection.objects.get(is_baseline=False)
    counts, random = (
        dissection.detectors["4"]["paper"],
        Dissection.objects.get(is_baseline=True).detectors["4"]["paper"],
    )
    low, high = counts["n_detectors_interval"]
    assert (
        f"4: {counts['n_detectors']} detectors (paper) [{low:.0f}, {high:.0f}]; by chance random weights "
        f"{random['n_detectors']}, labels shuffled {counts['shuffled_labels']['n_detectors']}."
    ) in output.getvalue()


def test_chance_can_be_left_out(images: Path, weights: list[str]) -> None:
    facts = dissect("--layer", "4", "--weights", weights[0], "--images", str(images), "--no-chance")
    assert facts["chance"]["4"]["paper"] == {"random_weights": None, "shuffled_labels": None}
    assert not Dissection.objects.filter(is_baseline=True).exists()


def test_saved_activations_have_shuffled_labels_alone(images: Path, tmp_path: Path) -> None:
    network = making.tiny_network(seed=4)
    maps = oracles.dense_activations(network=network, path="4", image_set=open_image_set(images), batch_size=4)
    np.save(tmp_path / "latents.npy", maps)
    output = io.StringIO()
    given = ["--activations", str(tmp_path / "latents.npy"), "--images", str(images), "--batch-size", "4", "--json"]
    call_command("dissect", *given, stdout=output)
    by_chance = json.loads(output.getvalue())["chance"]["latents"]["paper"]
    assert by_chance["random_weights"] is None
    assert by_chance["shuffled_labels"]["n_detectors"] >= 0
    assert not Dissection.objects.filter(is_baseline=True).exists()


def test_a_baseline_that_failed_is_said_and_measured_again(images: Path, weights: list[str]) -> None:
    facts = dissect("--layer", "4", "--weights", weights[0], "--images", str(images))
    failed = Dissection.objects.get(is_baseline=True)
    Dissection.objects.filter(pk=failed.pk).update(state="failed", error="Not finite.", detectors={})
    main = Dissection.objects.get(pk=facts["id"])
    del main.detectors["4"]["paper"]["random_weights"]
    main.save()
    output = io.StringIO()
    call_command("dissect", "--resume", facts["id"], "--json", stdout=output)
    assert json.loads(output.getvalue())["chance"]["4"]["paper"]["random_weights"] == {
        "state": "failed", "error": "Not finite.",
    }  # fmt: skip
    again = dissect("--layer", "4", "--weights", weights[1], "--images", str(images))
    assert again["chance"]["4"]["paper"]["random_weights"]["n_detectors"] >= 0
    assert RandomBaseline.objects.get().measured_by_id != failed.pk
