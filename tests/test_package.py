"""The wheel: what `pip install` brings, its console script, and the notebooks of the docs."""

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
N_PHOTOGRAPHS = 4


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel's files in an empty folder, as an installation lays them out."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("unitscope-*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    yield folder / "site"
    shutil.rmtree(folder)


def test_it_holds_the_product_and_nothing_else(installed: Path) -> None:
    top = {one.name for one in installed.iterdir() if not one.name.endswith((".dist-info", "__pycache__"))}
    assert top == {"annotator", "hit_templates", "unitscope.py", "workers"}
    tracked = subprocess.run(
        ["git", "ls-files", "annotator", "hit_templates", "workers"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\n")  # fmt: skip
    missing = [name for name in tracked if name and not (installed / name).exists()]
    assert missing == ["workers/unitscope/public.py"], "it is unitscope.py there; all tables and templates go along"
    script = next(installed.glob("unitscope-*.dist-info")) / "entry_points.txt"
    assert "unitscope = annotator.command:main" in script.read_text()


def test_the_list_of_commands_loads_neither_django_nor_torch(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['unitscope', '--help']; from annotator.command import main; main(); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'django', 'torch', 'numpy'}))"
    )
    said = _run(["-c", code], installed, tmp_path)
    assert said.endswith("[]\n")
    for path in (ROOT / "annotator").glob("*/management/commands/[a-z]*.py"):
        assert f"\n  {path.stem} " in said


def test_an_installed_package_keeps_its_data_with_the_person(installed: Path, tmp_path: Path) -> None:
    code = "from annotator import embedded, processes; print(embedded.data_folder(), sorted(processes.read_procfile()))"
    said = _run(["-c", code], installed, tmp_path)
    assert said == f"{tmp_path / 'unitscope'} ['gpu', 'sandbox', 'web', 'web-queue']\n"


def _run(arguments: list[str], installed: Path, folder: Path) -> str:
    left_out = ("UNITSCOPE_VAR", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"PYTHONPATH": str(installed), "XDG_DATA_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def photographs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some photographs of minibroden with their label maps."""
    source, folder = shared / "data" / "minibroden", tmp_path_factory.mktemp("photographs")
    for table in source.glob("*.csv"):
        shutil.copy(table, folder)
    with (source / "index.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    kept = rows[1 :: len(rows) // N_PHOTOGRAPHS][:N_PHOTOGRAPHS]
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *kept])
    for name in {part for row in kept for cell in row for part in cell.split(";")}:
        if (source / "images" / name).is_file():
            (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / "images" / name, folder / "images" / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dissect", "explain"])
def test_the_notebooks_run(
    name: str, installed: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("IMAGES", str(photographs))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book = nbformat.read(ROOT / "docs" / "notebooks" / f"{name}.ipynb", as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [kind for cell in book.cells for output in cell.get("outputs", []) for kind in output.get("data", {})]
    assert {"text/html", "image/png" if name == "dissect" else "text/html"} <= set(shown)
