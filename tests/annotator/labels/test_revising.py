"""A reviewer's merge, split, rename and acceptance are kept and applied again at every labeling."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annotator.comparison.importing import import_annotations
from annotator.crowd.models import Assignment, Campaign
from annotator.labels.labeling import label_campaign
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.revising import BadRevision, accept_label, merge_concepts, rename_unit, split_answers
from annotator.units.models import Unit

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SAID = [["twig", "branch", "lamp"], ["couch", "sofa", "settee"], ["dog", "dog", "cat"]]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    rows = [
        {"layer": "conv5", "index": index, "description": said, "category": "object", "precision": 0.8}
        for index, answers in enumerate(SAID)
        for said in answers
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    import_annotations(campaign_name="said", path=tmp_path / "a.jsonl", network_name="net", now=NOW)
    return Campaign.objects.get(name="said")


def concepts() -> list[str]:
    return [label.concept for label in UnitLabel.objects.order_by("unit__index")]


def again(campaign: Campaign) -> None:
    label_campaign(campaign=campaign, now=NOW + timedelta(days=1))


def test_merged_concepts_count_as_one_in_every_unit(campaign: Campaign) -> None:
    assert concepts() == ["branch", "sofa", "dog"]
    merge_concepts(campaign=campaign, concepts=["Twig", "branch"], into="branches of a tree", reviewer="eve", now=NOW)
    again(campaign)
    label = UnitLabel.objects.get(unit__index=0)
    assert (label.concept, label.n_same_concept) == ("branches of a tree", 2)
    steps = label.reasons["answers"][0]["steps"]
    assert steps[-1] == {"rule": "merge by eve", "before": "twig", "after": "branches of a tree"}
    assert label.reasons["answers"][0]["description"] == "twig", "raw words stay"


def test_split_answers_leave_their_group(campaign: Campaign) -> None:
    unit = Unit.objects.get(index=1)
    split_answers(campaign=campaign, unit=unit, concepts=["settee"], into="bench", reviewer="eve", now=NOW)
    again(campaign)
    label = UnitLabel.objects.get(unit=unit)
    assert [group["name"] for group in label.reasons["groups"]] == ["sofa", "bench"]


def test_a_renamed_unit_keeps_its_name_when_more_answers_come(campaign: Campaign) -> None:
    unit = Unit.objects.get(index=2)
    rename_unit(campaign=campaign, unit=unit, concept="Animal face", reviewer="eve", now=NOW)
    Assignment.objects.filter(hit__unit=unit).update(description="cat")
    again(campaign)
    label = UnitLabel.objects.get(unit=unit)
    assert (label.concept, label.reasons["renamed_by"]) == ("animal face", "eve")


def test_an_acceptance_stands_while_the_concept_does(campaign: Campaign) -> None:
    unit = Unit.objects.get(index=2)
    accept_label(campaign=campaign, unit=unit, reviewer="eve", now=NOW)
    again(campaign)
    assert UnitLabel.objects.get(unit=unit).accepted_at == NOW
    Assignment.objects.filter(hit__unit=unit).update(description="cat")
    again(campaign)
    assert UnitLabel.objects.get(unit=unit).accepted_at is None


def test_a_revision_without_a_name_or_a_label_is_refused_and_not_kept(campaign: Campaign) -> None:
    with pytest.raises(BadRevision, match="needs a name"):
        merge_concepts(campaign=campaign, concepts=["dog"], into=" ", reviewer="eve", now=NOW)
    with pytest.raises(BadRevision, match="at least one"):
        merge_concepts(campaign=campaign, concepts=[" "], into="dog", reviewer="eve", now=NOW)
    UnitLabel.objects.all().delete()
    with pytest.raises(BadRevision, match="has no label"):
        accept_label(campaign=campaign, unit=Unit.objects.get(index=0), reviewer="eve", now=NOW)
    assert not ConceptRevision.objects.exists()
