"""The HTML report is one folder that opens offline, with a permanent anchor for each unit."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotator.comparison.binding import make_anchor
from annotator.comparison.importing import import_annotations

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
    with pytest.raises(CommandError, match="needs a campaign and --out"):
        call_command("report", "net", format="html")
