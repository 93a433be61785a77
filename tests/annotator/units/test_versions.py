"""A file that was overwritten, code that was edited: measured as it is now, under a name of its own, or refused; and
one network stays one, wherever its file lies.

The tasks run in this process, as a GPU process that lives on does; database, store and leases are the real ones.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.utils import timezone
from numpy.random import default_rng

from annotator.units import dissecting
from annotator.units.models import Dissection, Network, NetworkAlias, RandomBaseline
from annotator.units.registering import register_image_set, register_network
from annotator.units.sources import CannotRegister
from tests.annotator.units.bench import TASKS, TINY, Bench
from tests.workers.engine import making
from workers import contract, job, opened
from workers.engine.format.artifact import read_artifact
from workers.engine.networks.identity import hash_tensors
from workers.store import open_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queue")]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=8)
    return tmp_path / "set"


def save(path: Path, seed: int) -> Path:
    torch.save({"state_dict": making.tiny_network(seed=seed).module.state_dict()}, path)
    return path


def read_layer(dissection: Dissection) -> dict[str, Any]:
    assert dissection.state == Dissection.State.DONE, dissection.error
    return read_artifact(open_store(dissection.artifact).read).layer(0)


def test_one_call_twice_is_one_network(bench: Bench, images: Path) -> None:
    first, second = bench.dissect(images), bench.dissect(images)
    assert first.network == second.network == Network.every.get()
    assert (first.network.weights_from, len(first.network.weights_sha256)) == ("random", 64)
    assert str(first.network) == "tiny-module (random weights)"
    assert first.artifact_sha256 == second.artifact_sha256


def test_best_pth_overwritten_is_measured_as_it_is_now_under_its_own_name(
    bench: Bench, images: Path, tmp_path: Path
) -> None:
    """Also if size and times of the file are as before, as `cp -p` and `rsync -t` leave them."""
    best = save(tmp_path / "best.pth", 4)
    times = best.stat().st_atime_ns, best.stat().st_mtime_ns
    first = bench.dissect(images, weights=best)
    save(best, 5)
    os.utime(best, ns=times)
    second = bench.dissect(images, weights=best)
    assert not np.array_equal(read_layer(first)["threshold"], read_layer(second)["threshold"])
    assert (first.network.name, second.network.name) == ("tiny-module", "tiny-module-2")
    assert first.network.weights_sha256 != second.network.weights_sha256
    for dissection in (first, second):
        manifest = read_artifact(open_store(dissection.artifact).read).manifest
        assert manifest["network"]["weights_sha256"] == dissection.network.weights_sha256
    save(best, 4)
    assert bench.dissect(images, weights=best).network == first.network, "the first epoch again"
    assert Network.every.count() == 2


def test_the_same_tensors_at_another_place_are_the_same_network(bench: Bench, images: Path, tmp_path: Path) -> None:
    first = bench.dissect(images, weights=save(tmp_path / "best.pth", 4))
    copy = shutil.copy(tmp_path / "best.pth", tmp_path / "epoch-3.pth")
    save(tmp_path / "best.pth", 5)
    second = bench.dissect(images, weights=copy)
    assert second.network == first.network
    assert second.artifact_sha256 == first.artifact_sha256
    assert NetworkAlias.objects.get().network == first.network
    assert Network.every.count() == 1


def test_weights_that_change_during_a_dissection_are_not_mixed(bench: Bench, images: Path, tmp_path: Path) -> None:
    best = save(tmp_path / "best.pth", 4)
    undisturbed = bench.dissect(images, weights=best)
    dissection = bench.step(bench.ask(images, weights=best))
    save(best, 5)
    bench.run(dissection)
    assert dissection.artifact_sha256 == undisturbed.artifact_sha256, "this process holds what it surveyed"
    # Another process has only the file.
    dissection = bench.step(bench.ask(images, weights=best))
    save(best, 6)
    opened._last_network.clear()
    bench.run(dissection)
    assert dissection.state == Dissection.State.FAILED
    assert "changed while the dissection ran" in dissection.error


def test_code_that_was_edited_is_another_network(
    bench: Bench, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "written.py").write_text(
        "from torch import nn\nfrom limits import LIMIT\nfrom tests.workers.engine.making import tiny_module\n"
        "def make():\n    made = tiny_module()\n    made[4] = nn.Hardtanh(0.0, LIMIT)\n    return made\n"
    )
    (tmp_path / "limits.py").write_text("LIMIT = 0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = bench.dissect(images, architecture="written:make")
    (tmp_path / "limits.py").write_text("LIMIT = 0.9\n")
    second = bench.dissect(images, architecture="written:make")
    assert first.network.weights_sha256 == second.network.weights_sha256
    assert first.network.source_sha256 != second.network.source_sha256
    assert first.network.name != second.network.name
    assert [read_layer(one)["peak_range"].max() for one in (first, second)] == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize("where", ["in the function", "at import", "in another module", "at the only import"])
def test_weights_that_own_code_reads_by_itself_are_read_at_every_survey(
    bench: Bench, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The tasks after a survey measure what was surveyed, or are refused."""
    reads = f"torch.load({str(tmp_path / 'own.pth')!r})['state_dict']"
    name = f"reading_{where.replace(' ', '_')}"
    helper, state = "", "STATE"
    if where == "in the function":
        state = reads
    elif where == "at import":
        helper = f"STATE = {reads}\n"
    elif where == "in another module":
        (tmp_path / f"{name}_kept.py").write_text(f"import torch\nSTATE = {reads}\n")
        helper = f"from {name}_kept import STATE\n"
    else:
        # A name that torch keeps cannot be registered twice in one process.
        helper, state = f"LIBRARY = torch.library.Library('{name}', 'DEF')\n", reads
    (tmp_path / f"{name}.py").write_text(
        f"import torch\nfrom tests.workers.engine.making import tiny_module\n{helper}"
        f"def make():\n    made = tiny_module()\n    made.load_state_dict({state})\n    return made\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    save(tmp_path / "own.pth", 4)
    first = bench.dissect(images, architecture=f"{name}:make")
    save(tmp_path / "own.pth", 5)
    second = bench.step(bench.ask(images, architecture=f"{name}:make"))
    save(tmp_path / "own.pth", 6)
    bench.run(second)
    assert not np.array_equal(read_layer(first)["threshold"], read_layer(second)["threshold"])
    for dissection, seed in ((first, 4), (second, 5)):
        expected = hash_tensors(making.tiny_network(seed=seed).module)
        assert dissection.network.weights_sha256 == expected
        manifest = read_artifact(open_store(dissection.artifact).read).manifest
        assert manifest["network"]["weights_sha256"] == expected
    assert first.network.name != second.network.name


@pytest.mark.parametrize("changes", ["before the survey", "after the survey"])
def test_weights_that_own_code_reads_are_not_dealt_out_for_another_network(
    bench: Bench, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: str
) -> None:
    name = f"dealing_{changes.replace(' ', '_')}"
    (tmp_path / f"{name}.py").write_text(
        f"import torch\nfrom tests.workers.engine.making import tiny_module\ndef make():\n    made = tiny_module()\n"
        f"    made.load_state_dict(torch.load({str(tmp_path / 'own.pth')!r})['state_dict'])\n    return made\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    save(tmp_path / "own.pth", 4)
    bench.dissect(images, architecture=f"{name}:make", chance=True)
    baseline = Dissection.objects.get(is_baseline=True)
    if changes == "after the survey":
        bench.step(baseline)
        job._draw_weights.cache_clear()  # as in another process, which did not see the survey
    save(tmp_path / "own.pth", 5)
    bench.run(baseline)
    if changes == "after the survey":
        assert baseline.state == Dissection.State.FAILED
        assert "changed meanwhile; dissect again" in baseline.error
    assert not RandomBaseline.objects.exclude(measured_by__state=Dissection.State.FAILED).exists()
    again = bench.dissect(images, architecture=f"{name}:make", chance=True)
    bench.run(RandomBaseline.objects.get(dissections=again).measured_by)
    again.refresh_from_db()
    assert again.detectors["4"]["paper"]["random_weights"]["n_detectors"] >= 0


def test_a_network_that_cannot_be_loaded_is_registered_nowhere_and_its_name_is_free(
    bench: Bench, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.pth").write_bytes(b"no checkpoint")
    dissection = bench.dissect(images, weights=tmp_path / "broken.pth")
    assert dissection.state == Dissection.State.FAILED
    assert dissection.error.startswith("broken.pth ")
    assert str(dissection.network) == "tiny-module", "its page still says what was asked for"
    assert not Network.objects.exists()
    assert bench.dissect(images).network.name == "tiny-module"
    wrong = bench.dissect(images, layer="17")
    assert wrong.state == Dissection.State.FAILED
    assert Network.objects.get() == wrong.network, "the network was loaded; only the layer is missing"


def test_projects_with_modules_of_one_name_are_dissected_at_once(
    bench: Bench, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))

    def ask(folder: str) -> Dissection:
        monkeypatch.chdir(tmp_path / folder)
        return bench.ask(images, architecture="net_of_two:make", layer="0")

    for folder, width in (("a", 3), ("b", 5)):
        (tmp_path / folder).mkdir()
        code = f"from torch import nn\ndef make(): return nn.Sequential(nn.Conv2d(3, {width}, 5, stride=8), nn.ReLU())"
        (tmp_path / folder / "net_of_two.py").write_text(code)
    first = bench.step(ask("a"))
    second = bench.run(ask("b"))
    done = [bench.run(first), second]
    assert [(one.state, one.dissected_units.count()) for one in done] == [("done", 3), ("done", 5)], first.error
    assert [one.network.code_folder for one in done] == [str(tmp_path / folder) for folder in "ab"]
    assert first.network != second.network
    # The same code in another folder is the same network, and is read there from now on.
    (tmp_path / "a").rename(tmp_path / "c")
    assert bench.run(ask("c")).network == first.network
    first.network.refresh_from_db()
    assert first.network.code_folder == str(tmp_path / "c")


def test_another_architecture_under_a_name_is_refused(bench: Bench, images: Path) -> None:
    bench.dissect(images)
    asked = {"weights": "", "preprocessing": None, "now": timezone.now()}
    with pytest.raises(CannotRegister, match="stands for another network"):
        register_network(name="tiny-module", architecture="torchvision:alexnet", **asked)  # type: ignore[arg-type]


def test_paths_that_the_database_cannot_keep_are_refused_in_words(tmp_path: Path) -> None:
    named = Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin\xe9"))
    named.mkdir()
    long = tmp_path.joinpath(*["d" * 200] * 3)
    long.mkdir(parents=True)
    for folder, reason in ((named, r"latin\\xe9 is not UTF-8"), (long, "more than 500 characters")):
        shutil.copy(save(tmp_path / "a.pth", 1), folder / "a.pth")
        with pytest.raises(CannotRegister, match=reason):
            register_image_set(name=None, address=str(folder), is_rendered=False, now=timezone.now())
        with pytest.raises(CannotRegister, match=reason.partition(" is")[0]):
            register_network(
                name=None, architecture=TINY, weights=str(folder / "a.pth"), preprocessing=None, now=timezone.now()
            )


def test_a_result_that_cannot_be_taken_in_fails_once_and_keeps_no_other_waiting(
    bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = bench.ask(images), bench.ask(images)
    for _ in range(2):
        bench.step(broken)
        bench.step(sound)
    # The merges have run; one artifact is damaged before the sweeper takes it in.
    for name, message in [bench.queue.pop(0) for _ in list(bench.queue)]:
        TASKS[name](message)
    open_store(broken.artifact).write("layer-0.npz", b"no arrays")
    dissecting.advance_all(now=timezone.now())
    for dissection in (broken, sound):
        dissection.refresh_from_db()
    assert sound.state == Dissection.State.DONE
    assert broken.state == Dissection.State.FAILED
    assert "The arrays of a layer cannot be read" in broken.error
    taken_in: list[object] = []
    monkeypatch.setattr(dissecting, "ingest_artifact", lambda **asked: taken_in.append(asked))
    dissecting.advance_all(now=timezone.now())
    assert not taken_in


def test_a_row_that_the_sweeper_cannot_advance_keeps_no_other_waiting(
    bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bench.ask(images), bench.ask(images)
    advanced: list[object] = []

    def advance(*, dissection_id: object, now: object) -> None:
        if dissection_id in (first.id,):
            raise OSError("its store does not answer")
        advanced.append(dissection_id)

    monkeypatch.setattr(dissecting, "advance_dissection", advance)
    dissecting.advance_all(now=timezone.now())
    assert advanced == [second.id]


def test_a_damaged_result_of_a_task_fails_with_its_reason(bench: Bench, images: Path) -> None:
    dissection = bench.ask(images)
    open_store(dissection.artifact).write(contract.result_name(0), b"{not json")
    dissecting.advance_all(now=timezone.now())
    dissection.refresh_from_db()
    assert dissection.state == Dissection.State.FAILED
    assert "JSONDecodeError" in dissection.error
