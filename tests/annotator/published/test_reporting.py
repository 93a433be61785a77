"""The HTML report is one folder that opens offline, with a permanent anchor for each unit."""

import hashlib
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Picture

from annotator.crowd.models import Campaign, HITUnit
from annotator.figures.listing import read_example_crops
from annotator.published.importing import import_annotations
from annotator.published.ranked_crops import make_anchor
from annotator.units.models import DissectedUnit, Dissection, ImageSet
from workers.engine.format.artifact import tile_name
from workers.store import open_store

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SHEET = """WorkerId,Input.layer,Input.unit,Answer.description,Answer.category,Answer.precision
A1,features.10,1,<b>sky</b> & sea,object,0.9
A2,features.10,1,sky,object,0.8
A1,features.10,8,lamp,object,0.7
"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    (tmp_path / "a.csv").write_text(SHEET)
    import_annotations(campaign_name="net", path=tmp_path / "a.csv", network_name="net", now=NOW)
    call_command("report", "net", format="html", out=tmp_path / "site")
    return (tmp_path / "site" / "index.html").read_text()


def test_nothing_is_loaded_from_elsewhere_and_everything_named_is_there(page: str, tmp_path: Path) -> None:
    assert "http" not in page
    names = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert names
    assert all((tmp_path / "site" / name).is_file() for name in names)


def test_every_unit_has_its_anchor(page: str) -> None:
    assert 'id="unit-features.10-0"' in page
    assert 'id="unit-features.10-7"' in page
    assert all(f'id="{target}"' in page for target in re.findall(r'href="#([^"]+)"', page))


def test_what_people_wrote_is_text(page: str) -> None:
    assert "&lt;b&gt;sky&lt;/b&gt; &amp; sea" in page
    assert "<b>sky" not in page
    assert "Answers by people, as imported" in page


def test_an_anchor_is_safe_in_an_address_and_a_file_name() -> None:
    assert make_anchor(layer='a/b "c"', index=3) == "unit-a_b__c_-3"


def test_html_needs_a_folder() -> None:
    with pytest.raises(CommandError, match="html needs --out"):
        call_command("report", "net", format="html")


@pytest.fixture
def dissected(page: str, tmp_path: Path) -> Campaign:
    """The first unit has crops in a store: three red top tiles, then a blue low one."""
    campaign = Campaign.objects.get(name="net")
    asked = HITUnit.objects.get(hit__campaign=campaign, unit__index=0)
    images = ImageSet.objects.create(name="set", address="set", is_rendered=True, registered_at=NOW)
    dissection = Dissection.objects.create(
        network=asked.unit.layer.network, image_set=images, layer_paths=["features.10"], created_at=NOW,
        artifact_name=f"file://{tmp_path}/store",
    )  # fmt: skip
    strip = Picture.new("RGB", (16, 64), "blue")
    strip.paste("red", (0, 0, 16, 48))
    packed = io.BytesIO()
    strip.save(packed, "JPEG", quality=95)
    name = hashlib.sha256(packed.getvalue()).hexdigest()
    open_store(dissection.artifact).write(tile_name(name), packed.getvalue())
    asked.dissected_unit = DissectedUnit.objects.create(
        dissection=dissection, unit=asked.unit, threshold=1, peak_low=0, peak_high=1, n_top=3, n_low=1, tile_px=16,
        strip=name,
    )  # fmt: skip
    asked.save()
    return campaign


def test_a_unit_that_was_dissected_here_is_shown_with_its_top_crops(dissected: Campaign, tmp_path: Path) -> None:
    call_command("report", "net", format="html", out=tmp_path / "second")
    page = (tmp_path / "second" / "index.html").read_text()
    assert page.count("<img class=") == 1
    assert "images rendered by a program" in page
    with Picture.open(tmp_path / "second" / "crops" / "unit-features.10-0.jpg") as line:
        assert line.size == (3 * 16 + 2 * 2, 16)
        red, _, blue = line.convert("RGB").getpixel((26, 8))
    assert red > 200 > 60 > blue


def test_example_crops_are_the_first_of_each_unit(dissected: Campaign) -> None:
    found = read_example_crops(campaign=dissected)
    assert list(found) == [("features.10", 0)]
    with Picture.open(io.BytesIO(found["features.10", 0])) as crop:
        assert crop.size == (16, 16)


def test_a_crop_that_is_lost_is_left_out(dissected: Campaign, tmp_path: Path) -> None:
    next((tmp_path / "store" / "tiles").rglob("*.jpg")).unlink()
    assert read_example_crops(campaign=dissected) == {}
    call_command("report", "net", format="html", out=tmp_path / "second")
    assert "<img class=" not in (tmp_path / "second" / "index.html").read_text()


def test_methods_are_told_in_words_and_each_number_is_explained_once(dissected: Campaign, tmp_path: Path) -> None:
    call_command("report", "net", format="html", out=tmp_path / "second")
    told = (tmp_path / "second" / "index.html").read_text()
    for words in (
        "the set set (images rendered by a program",
        "3 answers of 2 people, imported",
        "Layers: features.10",
    ):
        assert words in told
    assert told.count("<dt>IoU</dt>") == told.count("<dt>Precision</dt>") == 1
    appendix = re.search(r'href="(appendix-[^"]+)">All 1 unit', told)
    assert appendix
    assert 'id="unit-features.10-0"' in (tmp_path / "second" / appendix[1]).read_text()


def test_a_dissection_is_reported_without_any_campaign(dissected: Campaign, tmp_path: Path) -> None:
    dissection = Dissection.objects.get()
    call_command("report", dissection=str(dissection.pk), format="html", out=tmp_path / "alone")
    page = (tmp_path / "alone" / "index.html").read_text()
    names = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert "crops/unit-features.10-0.jpg" in names
    assert all((tmp_path / "alone" / name).is_file() for name in names)
    assert "<dt>Precision</dt>" not in page
