"""A report never mixes two lexicons."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotator.comparison.models import UnitComparison
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Campaign
from annotator.labels.labeling import open_lexicon
from annotator.labels.models import UnitLabel
from annotator.labels.wordnet import read_wordnet
from annotator.published.importing import import_annotations, import_iou

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IOU = "unit,category,label,score,object-label,object-iou\n1,object,sofa,0.3,sofa,0.3\n"


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    row = {"layer": "conv5", "index": 0, "description": "couch", "category": "object", "precision": 1}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (tmp_path / "iou.csv").write_text(IOU)
    import_annotations(campaign_name="first", path=tmp_path / "a.jsonl", network_name="net", now=NOW)
    import_iou(campaign=Campaign.objects.get(), layer_path="conv5", path=tmp_path / "iou.csv")
    return Campaign.objects.get()


def test_labels_and_relations_are_stored_with_the_lexicon_that_made_them(campaign: Campaign) -> None:
    assert UnitLabel.objects.get().lexicon_sha256 == open_lexicon().sha256
    assert UnitComparison.objects.get().lexicon_sha256 == open_lexicon().sha256


@pytest.mark.parametrize("command", ["report", "compare", "export"])
def test_labels_of_another_lexicon_are_refused_with_the_command_to_run(
    campaign: Campaign, tmp_path: Path, command: str
) -> None:
    UnitLabel.objects.update(lexicon_sha256="f" * 64)
    options = {"out": tmp_path / "out"} if command == "export" else {}
    with pytest.raises(CommandError, match="run `label first`, then `compare first`"):
        call_command(command, "first", stdout=StringIO(), **options)
    call_command("label", "first", stdout=StringIO())
    call_command("compare", "first", stdout=StringIO())
    call_command(command, "first", stdout=StringIO(), **options)


def test_a_relation_that_another_lexicon_found_is_found_again(campaign: Campaign) -> None:
    """It was written down before lexicons were: the labels pass, and the report's relation is the report's own."""
    UnitLabel.objects.update(lexicon_sha256="")
    UnitComparison.objects.update(relation="different", rule="by another lexicon", lexicon_sha256="")
    (unit,) = describe_campaign(campaign=campaign)["units"]
    assert (unit["relation"], unit["rule"]) == ("synonym", "couch = sofa (own table)")


def test_wordnet_is_part_of_the_digest(tmp_path: Path) -> None:
    (tmp_path / "index.noun").write_text("dog n 1 0 1 0 00000000  \n")
    (tmp_path / "data.noun").write_text("00000000 05 n 01 dog 0 000 | a dog  \n")
    first = read_wordnet(tmp_path).sha256
    (tmp_path / "data.noun").write_text("00000000 05 n 01 dog 0 000 | a hound  \n")
    assert read_wordnet(tmp_path).sha256 != first
