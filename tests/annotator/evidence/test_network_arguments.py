"""Which network a command means: by address or by name; what cannot be loaded or kept is refused in words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotator.evidence import asking
from annotator.evidence.models import Question
from annotator.evidence.network_arguments import read_network
from annotator.evidence.units_behind import find_network
from annotator.units import gpu_queue
from annotator.units.models import Network
from annotator.units.registering import register_network
from annotator.units.sources import CannotRegister

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command is given in an empty folder, and no GPU process hears of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)


def read(network: str, **given: Any) -> asking.AskedNetwork:
    return read_network({"network": network, "weights": "", "preprocessing": None, **given})


def register(name: str | None, architecture: str, **given: Any) -> Network:
    asked = {"weights": "", "preprocessing": None, "now": NOW, **given}
    return register_network(name=name, architecture=architecture, **asked)


def test_a_folder_of_transformers_is_known_by_its_whole_address(tmp_path: Path) -> None:
    (tmp_path / "vit").mkdir()
    (tmp_path / "vit" / "config.json").write_text("{}")
    assert read("transformers:vit").architecture == f"transformers:{tmp_path}/vit"
    cut = read("surgery:transformers:./vit@layer.3?head=gmp&classes=7").architecture
    assert cut.startswith(f"surgery:transformers:{tmp_path}/vit@layer.3?head=gmp")
    assert read("transformers:bert").architecture == "transformers:bert"


@pytest.mark.parametrize("architecture", ["imported", "imported:torchvision:alexnet"])
def test_a_network_that_came_with_a_file_is_not_loaded(architecture: str) -> None:
    Network.objects.create(name="theirs", architecture=architecture, registered_at=NOW)
    with pytest.raises(CannotRegister, match="theirs came with a file and cannot be loaded here"):
        read("theirs")


def test_what_the_database_cannot_keep_is_refused_in_words(tmp_path: Path) -> None:
    longest = f"mine:{'m' * 195}"
    assert register("long", longest).architecture == longest
    deep = tmp_path.joinpath(*["d" * 100] * 3)
    deep.mkdir(parents=True)
    (deep / "config.json").write_text("{}")
    for name in (f"{longest}m", f"transformers:{deep.relative_to(tmp_path)}"):
        with pytest.raises(CannotRegister, match="has more than 200 characters"):
            register(None, name)
        with pytest.raises(CannotRegister, match="has more than 200 characters"):
            asking.ask_for_head(network=read(name), now=NOW)
    for weights, words in (("w" * 300, "no weights file"), ("w/" * 300, "more than 500"), ("\udce9.pth", "not UTF-8")):
        with pytest.raises(CannotRegister, match=words):
            asking.ask_for_head(network=read("torchvision:alexnet", weights=weights), now=NOW)
    for images, words in (("i" * 300, "no folder of images"), ("\udce9", "not UTF-8")):
        Path("\udce9").mkdir(exist_ok=True)
        with pytest.raises(asking.CannotAsk, match=words):
            asking.resolve_images(images)
    for command in ("fit", "localize"):
        given = ["--layer", "features.7"] if command == "fit" else ["--boxes", "boxes.csv"]
        with pytest.raises(CommandError, match="not UTF-8"):
            call_command(command, "--network", "torchvision:alexnet", "--images", "\udce9", *given)
    assert not Question.objects.exists()


def test_networks_that_differ_in_preprocessing_alone_are_told_apart() -> None:
    digests = {"weights_sha256": "a" * 64, "source_sha256": ""}
    whole, small = (
        Network.objects.create(
            name=f"net{number}", architecture="torchvision:alexnet", preprocessing=stated, registered_at=NOW, **digests
        )
        for number, stated in enumerate((None, {"input_px": 64}))
    )
    for network in (whole, small):
        question = Question(architecture="torchvision:alexnet", preprocessing=network.preprocessing)
        assert find_network({"network": digests}, question) == network
    question.preprocessing = {"input_px": 32}
    assert find_network({"network": digests}, question) is None


def write_module(file: Path) -> Path:
    file.parent.mkdir(parents=True)
    file.write_text("def make(): ...")
    return file.parent


def test_code_is_where_it_was_registered_whatever_lies_in_the_folder_of_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (write_module(tmp_path / name / "net_one.py") for name in ("first", "second"))
    monkeypatch.chdir(first)
    mine = register("mine", "net_one:make")
    Network.objects.filter(pk=mine.pk).update(weights_sha256="a" * 64)
    monkeypatch.chdir(second)
    assert asking.ask_for_head(network=read("mine"), now=NOW).request().code_folder == str(first)
    assert asking.ask_for_head(network=read("net_one:make"), now=NOW).request().code_folder == str(second)
    assert register("mine", "net_one:make").code_folder == str(first)
    assert register(None, "net_one:make").code_folder == str(second)
    # A folder that moved is found where it lies now.
    first.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    assert register("mine", "net_one:make").code_folder == str(tmp_path / "moved")


def test_a_directory_without_init_counts_only_if_it_holds_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    write_module(code / "net_two" / "inner" / "parts.py")
    write_module(code / "net_three" / "__init__.py")
    monkeypatch.syspath_prepend(code)
    (tmp_path / "net_two" / "inner").mkdir(parents=True)
    (tmp_path / "net_three").mkdir()
    assert read("net_two.inner.parts:make").code_folder == str(code)
    assert read("surgery:net_three:make@layer.3?head=gap").code_folder == str(code)
    for absent in ("net_two:make", "net_two.inner.absent:make", "torch.nn:Linear", "timm:resnet18", "..x:make"):
        assert read(absent).code_folder == "", absent


def test_a_folder_that_the_database_cannot_keep_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_module(tmp_path.joinpath(*["d" * 200] * 3, "net_four.py")))
    with pytest.raises(CannotRegister, match="more than 500 characters"):
        read("net_four:make")
    with pytest.raises(CannotRegister, match="more than 500 characters"):
        register(None, "net_four:make")
    assert not Network.objects.exists()
