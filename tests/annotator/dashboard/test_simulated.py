"""Answers by simulated people are marked wherever they are shown: pages, figures, reports, files and the API."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from annotator.comparison.reports import describe_campaign
from annotator.comparison.tables import print_report
from annotator.crowd.models import Worker
from annotator.figures.drawing import ENDINGS, render
from annotator.figures.listing import draw_figure, list_figures
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.published.exporting import export_campaign
from annotator.published.reporting import write_report
from tests.annotator.dashboard.making import World, make_world

PAGES = (
    "/", "/live", "/units/?campaign=try&precision_min=0", "/units/net/features.3/1/", "/campaigns/",
    "/campaigns/try/", "/campaigns/try/progress", "/campaigns/try/comparison/", "/campaigns/try/figures/",
    "/campaigns/try/answers/",
)  # fmt: skip


def simulate(world: World, *, everybody: bool) -> None:
    """In the world as it is made, one of three people is none."""
    Worker.objects.update(is_simulated=everybody)
    label_campaign(campaign=world.campaign, now=timezone.now())


def read_page(viewer: Client, address: str) -> str:
    return re.sub(r"\s+", " ", viewer.get(address).content.decode())


def test_every_page_says_so(world: World, viewer: Client) -> None:
    for everybody in (False, True):
        simulate(world, everybody=everybody)
        said = {address: "simulated" in read_page(viewer, address) for address in PAGES}
        assert said == dict.fromkeys(PAGES, everybody)


def test_networks_side_by_side_say_so(world: World, viewer: Client, tmp_path: Path) -> None:
    make_world(tmp_path, name="other", campaign="second")
    asked = "campaign=try&campaign=second"
    assert "some answers by simulated people" in read_page(viewer, f"/networks/?{asked}")
    assert b"simulated people" in viewer.get(f"/networks/networks.csv?{asked}").content
    assert "simulated" in viewer.get(f"/networks/networks.svg?{asked}").content.decode()


def test_each_row_of_a_page_says_so(world: World, viewer: Client) -> None:
    simulate(world, everybody=True)
    n_labels = UnitLabel.objects.count()
    for address in ("/", "/units/?campaign=try&precision_min=0", "/campaigns/try/", "/campaigns/try/comparison/"):
        page = read_page(viewer, address)
        assert page.count('<span class="us-badge us-simulated">simulated people</span>') >= n_labels, address


@pytest.mark.parametrize("everybody", [False, True])
def test_a_figure_says_so_in_its_title_its_picture_and_its_rows(world: World, everybody: bool) -> None:
    simulate(world, everybody=everybody)
    report = describe_campaign(campaign=world.campaign)
    for name, title in list_figures(report):
        figure = draw_figure(report=report, name=name, campaign=world.campaign)
        assert figure.title == title
        assert ("answers by simulated people" in title) == everybody
        texts = {ending: render(figure, ending) for ending in ENDINGS if ending not in ("png", "pdf")}
        assert all((b"imulated" in text) == everybody for text in texts.values()), name


def test_reports_and_files_say_so_on_every_row(world: World, tmp_path: Path) -> None:
    simulate(world, everybody=True)
    report = describe_campaign(campaign=world.campaign)
    assert report["answers_by"] == "simulated people"
    assert all(unit["is_simulated"] for unit in report["units"])
    assert all(answer["is_simulated"] for unit in report["units"] for answer in unit["answers"])
    assert "answers by simulated people" in print_report(report)
    export_campaign(campaign=world.campaign, folder=tmp_path / "out", now=timezone.now())
    for name in ("answers.csv", "units.csv"):
        rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / name).read_text())))
        assert {row["is_simulated"] for row in rows} == {"True"}, name
    lines = (tmp_path / "out" / "answers.jsonl").read_text().splitlines()
    assert all(json.loads(line)["is_simulated"] for line in lines)
    card = json.loads((tmp_path / "out" / "data_card.json").read_text())
    assert card["counts"]["simulated_answers"] == card["counts"]["answers"]
    assert "Answers by simulated people" in (tmp_path / "out" / "data_card.md").read_text()
    write_report(campaign=world.campaign, folder=tmp_path / "report", now=timezone.now())
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count('<span class="tag">simulated</span>') == len(report["units"])
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    of_people = [title for _, title in list_figures(report)]
    assert [caption for caption in captions if "answers by simulated people" in caption] == captions[: len(of_people)]
    # Figures of whole layers show what labeled pixels say: nobody answered anything.
    assert all(caption.startswith(("Detectors of", "Best units of")) for caption in captions[len(of_people) :])


def test_the_api_says_so_of_each_label_and_answer(world: World, viewer: Client) -> None:
    simulate(world, everybody=True)
    labels = viewer.get("/api/campaigns/try/units")
    rows = json.loads(b"".join(labels.streaming_content))  # type: ignore[attr-defined]
    assert all(row["n_simulated"] == row["n_answers"] > 0 for row in rows)
    unit = viewer.get("/api/units/net/features.3/1").json()
    assert [row["n_simulated"] == row["n_answers"] > 0 for row in unit["labels"]] == [True]
    assert {row["is_simulated"] for row in unit["answers"]} == {True}


def test_the_csv_of_the_report_says_so(world: World, viewer: Client) -> None:
    simulate(world, everybody=True)
    rows = list(csv.DictReader(io.StringIO(viewer.get("/campaigns/try/report.csv").content.decode())))
    assert {row["is_simulated"] for row in rows} == {"True"}
    packed = b"".join(viewer.get("/campaigns/try/export.zip").streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert any(name.endswith("bundle.zip") for name in archive.namelist())
