"""A reviewer's merge, split, rename and acceptance are kept and applied again at every labeling."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.crowd.models import Answer, Campaign
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.recording import label_campaign
from annotator.labels.relabeling import FIELDS, BadRevision
from annotator.labels.revising import accept_label, merge_concepts, rename_unit, split_answers
from annotator.labels.undoing import find_last_decision, undo_decision
from annotator.published.importing import import_annotations
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
    Answer.objects.filter(hit_unit__unit=unit).update(description="cat")
    again(campaign)
    label = UnitLabel.objects.get(unit=unit)
    assert (label.concept, label.reasons["renamed_by"]) == ("animal face", "eve")


def test_a_merge_reaches_the_name_that_a_reviewer_gave(campaign: Campaign) -> None:
    """As a reviewer does it: renamed, then merged; undone, it has the given name again."""
    unit, by = Unit.objects.get(index=2), {"campaign": campaign, "reviewer": "eve"}
    rename_unit(unit=unit, concept="rim", now=NOW, **by)
    rename_unit(unit=Unit.objects.get(index=1), concept="rim", now=NOW, **by)
    later = NOW + timedelta(minutes=1)
    reached = merge_concepts(concepts=["rim"], into="sky", now=later, **by)
    assert [label.concept for label in reached] == ["sky", "sky"]
    again(campaign)
    assert concepts() == ["branch", "sky", "sky"]
    last = find_last_decision(campaign=campaign, reviewer="eve")
    assert len(undo_decision(campaign=campaign, decision=last, reviewer="eve", now=later)) == 2
    assert concepts() == ["branch", "rim", "rim"]


def test_an_acceptance_stands_while_the_concept_does(campaign: Campaign) -> None:
    unit = Unit.objects.get(index=2)
    accept_label(campaign=campaign, unit=unit, reviewer="eve", now=NOW)
    again(campaign)
    assert UnitLabel.objects.get(unit=unit).accepted_at == NOW
    Answer.objects.filter(hit_unit__unit=unit).update(description="cat")
    again(campaign)
    assert UnitLabel.objects.get(unit=unit).accepted_at is None


WORDS = ["twig", "branch", "lamp", "couch", "sofa", "settee", "dog", "cat", "thing"]
JUDGEMENTS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "split", "rename", "accept"]),
        st.integers(0, 2),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=4,
)


def judge(campaign: Campaign, kind: str, index: int, words: list[str], into: str, *, now: datetime = NOW) -> None:
    by = {"campaign": campaign, "reviewer": "eve", "now": now}
    unit = Unit.objects.get(index=index)
    match kind:
        case "merge":
            merge_concepts(concepts=words, into=into, **by)
        case "split":
            split_answers(unit=unit, concepts=words, into=into, **by)
        case "rename":
            rename_unit(unit=unit, concept=into, **by)
        case _:
            accept_label(unit=unit, **by)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(JUDGEMENTS)
def test_naming_what_a_judgement_reaches_gives_what_labeling_everything_gives(
    campaign: Campaign, judgements: list[tuple[str, int, list[str], str]]
) -> None:
    campaign.concept_revisions.all().delete()
    again(campaign)
    for judgement in judgements:
        judge(campaign, *judgement)
    told = [name for name in FIELDS if name != "labeled_at"]
    step_by_step = list(UnitLabel.objects.order_by("pk").values(*told))
    again(campaign)
    assert step_by_step == list(UnitLabel.objects.order_by("pk").values(*told))


def test_a_judgement_touches_no_label_that_it_does_not_reach(campaign: Campaign) -> None:
    merge_concepts(campaign=campaign, concepts=["settee"], into="bench", reviewer="eve", now=NOW + timedelta(days=2))
    assert [label.labeled_at > NOW for label in UnitLabel.objects.order_by("unit__index")] == [False, True, False]


def test_a_label_of_an_earlier_version_is_refused_in_words(campaign: Campaign) -> None:
    UnitLabel.objects.update(reasons={})
    with pytest.raises(BadRevision, match="label the campaign again first"):
        rename_unit(campaign=campaign, unit=Unit.objects.get(index=0), concept="x", reviewer="eve", now=NOW)


def test_a_revision_without_a_name_or_a_label_is_refused_and_not_kept(campaign: Campaign) -> None:
    with pytest.raises(BadRevision, match="needs a name"):
        merge_concepts(campaign=campaign, concepts=["dog"], into=" ", reviewer="eve", now=NOW)
    with pytest.raises(BadRevision, match="at least one"):
        merge_concepts(campaign=campaign, concepts=[" "], into="dog", reviewer="eve", now=NOW)
    UnitLabel.objects.all().delete()
    with pytest.raises(BadRevision, match="has no label"):
        accept_label(campaign=campaign, unit=Unit.objects.get(index=0), reviewer="eve", now=NOW)
    assert not ConceptRevision.objects.exists()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(JUDGEMENTS)
def test_undoing_the_last_judgement_gives_what_labeling_everything_without_it_gives(
    campaign: Campaign, judgements: list[tuple[str, int, list[str], str]]
) -> None:
    campaign.concept_revisions.all().delete()
    again(campaign)
    for i, (kind, index, words, into) in enumerate(judgements):
        judge(campaign, kind, index, words, into, now=NOW + timedelta(minutes=i))
    later = NOW + timedelta(days=2)
    last = find_last_decision(campaign=campaign, reviewer="eve")
    undo_decision(campaign=campaign, decision=last, reviewer="eve", now=later)
    told = [name for name in FIELDS if name != "labeled_at"]
    undone = list(UnitLabel.objects.order_by("pk").values(*told))
    campaign.concept_revisions.filter(undone_at=later).delete()
    again(campaign)
    assert undone == list(UnitLabel.objects.order_by("pk").values(*told))
    with pytest.raises(BadRevision, match="undone meanwhile"):
        undo_decision(campaign=campaign, decision=last, reviewer="eve", now=later)
