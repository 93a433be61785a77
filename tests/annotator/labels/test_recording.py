"""The label of record: pooled over what campaigns asked about the same crops, people never with simulated people."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotator.accounts.models import Role
from annotator.comparison.comparing import compare_campaign
from annotator.crowd.models import Assignment, Campaign, Worker
from annotator.dashboard.units.scope import find_scope
from annotator.dashboard.units.searching import find_units
from annotator.dashboard.units.selection import Selection
from annotator.labels.models import UnitLabel
from annotator.labels.recording import CampaignLabel, Pool, choose_record, label_campaign
from annotator.labels.revising import accept_label, rename_unit
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, TopImage
from tests.annotator.crowd.making import NOW, make_answer, make_campaign, make_dissection
from tests.annotator.dashboard.making import sign_in

pytestmark = pytest.mark.django_db

N_TOP = 57


def ask(dissection: Dissection, name: str, *said: tuple[str, float], is_simulated: bool = False) -> Campaign:
    """A labeled campaign about every unit of the dissection: each gets these words, with these precisions."""
    campaign = make_campaign(dissection, name=name)
    for i, (word, precision) in enumerate(said):
        worker, _ = Worker.objects.get_or_create(
            pseudonym=f"{name}-{i}", defaults={"marketplace": "own", "created_at": NOW, "is_simulated": is_simulated}
        )
        for hit in campaign.hits.all():
            n_marked = round((1 - precision) * N_TOP)
            make_answer(
                hit=hit, worker=worker, external_id=f"{name}-{i}-{hit.pk}", state=Assignment.State.APPROVED,
                shown_ranks=list(range(N_TOP)), marked_ranks=list(range(n_marked)), description=word, category="object",
                precision=1 - n_marked / N_TOP,
            )  # fmt: skip
    label_campaign(campaign=campaign, now=NOW)
    return campaign


def dissect_again(first: Dissection, *, iou: float = 0.5) -> Dissection:
    """A newer dissection of the same layer, with other crops and labels."""
    again = Dissection.objects.create(
        network=first.network, image_set=first.image_set, layer_paths=first.layer_paths, state="done",
        artifact_name=first.artifact_name, created_at=first.created_at.replace(year=2027),
    )  # fmt: skip
    for row in list(first.dissected_units.all()):
        images = list(row.top_images.all())
        row.pk, row.dissection = None, again
        row.save()
        for image in images:
            image.pk, image.dissected_unit = None, row
        TopImage.objects.bulk_create(images)
        AutomaticLabel.objects.create(
            dissection=again, unit=row.unit, source=str(again.pk), mode="paper", category="object", label="tree",
            iou=iou, is_best=True,
        )  # fmt: skip
    return again


def of_record(**filters: Any) -> UnitLabel:
    return UnitLabel.objects.get(is_of_record=True, unit__index=0, **filters)


@pytest.fixture
def first(tmp_path: Path) -> Dissection:
    return make_dissection(tmp_path, n_units=3)


THREE = (("dog", 0.9), ("dogs", 0.9), ("a dog", 0.8))


def test_one_careless_answer_in_a_second_campaign_replaces_nothing(first: Dissection) -> None:
    careful = ask(first, "careful", *THREE)
    careless = ask(first, "careless", ("thing", 1.0))
    label = of_record()
    assert label.campaign is None
    assert (label.concept, label.n_answers, label.n_same_concept) == ("dog", 4, 3)
    assert label.precision == pytest.approx((51 + 51 + 46 + 57) / 57 / 4)
    assert careful.unit_labels.get(unit__index=0).n_answers == 3
    assert careless.unit_labels.get(unit__index=0).n_answers == 1
    scope = find_scope(Selection())
    assert find_units(Selection({"concept": "dog"}), scope, n_most=9)
    assert not find_units(Selection({"concept": "careless"}), scope, n_most=9)


def test_one_campaign_stands_for_itself(first: Dissection) -> None:
    campaign = ask(first, "only", *THREE)
    assert of_record().campaign == campaign
    assert UnitLabel.objects.count() == 3


def test_people_and_simulated_people_are_never_pooled(first: Dissection) -> None:
    simulated = ask(first, "play", ("cat", 1.0), ("cat", 1.0), ("cat", 1.0), is_simulated=True)
    assert of_record().campaign == simulated
    real = ask(first, "real", ("dog", 0.9))
    assert of_record().campaign == real
    ask(first, "more", ("dog", 0.7))
    label = of_record()
    assert (label.campaign, label.concept, label.n_answers, label.n_simulated) == (None, "dog", 2, 0)
    label_campaign(campaign=simulated, now=NOW)
    assert of_record().n_answers == 2


def test_simulated_people_within_a_campaign_are_left_out_of_its_label_of_record(first: Dissection) -> None:
    mixed = ask(first, "mixed", ("dog", 0.9), ("dog", 0.9))
    Worker.objects.filter(pseudonym="mixed-1").update(is_simulated=True)
    label_campaign(campaign=mixed, now=NOW)
    assert mixed.unit_labels.get(unit__index=0).n_answers == 2
    assert (of_record().n_answers, of_record().n_simulated) == (1, 0)


def test_a_person_who_was_asked_twice_counts_once(first: Dissection) -> None:
    ask(first, "one", *THREE)
    again = ask(first, "two", ("cat", 0.9), ("cat", 0.9))
    same = {f"two-{i}": Worker.objects.get(pseudonym=f"one-{i}") for i in range(2)}
    for assignment in Assignment.objects.filter(hit__campaign=again).select_related("worker"):
        assert assignment.worker is not None
        assignment.worker = same[assignment.worker.pseudonym]
        assignment.save()
    label_campaign(campaign=again, now=NOW)
    assert (of_record().concept, of_record().n_answers) == ("dog", 3)


def test_answers_that_were_set_aside_since_leave_the_label_that_is_there(first: Dissection) -> None:
    careful = ask(first, "careful", *THREE)
    ask(first, "careless", ("thing", 1.0))
    Assignment.objects.update(is_left_out=True)
    unit = careful.unit_labels.get(unit__index=0).unit
    rename_unit(campaign=careful, unit=unit, concept="terrier", reviewer="eva", now=NOW)
    assert of_record().concept == "terrier"


def test_answers_about_other_crops_are_another_label(first: Dissection) -> None:
    ask(first, "old", *THREE)
    again = dissect_again(first)
    ask(again, "new", ("cat", 1.0))
    assert of_record(source=str(first.pk)).concept == "dog"
    assert of_record(source=str(again.pk)).concept == "cat"


def test_surely_high_goes_before_high(first: Dissection) -> None:
    ask(first, "one", ("dog", 1.0))
    labels = UnitLabel.objects.order_by("unit__index")
    for label, (low, mean) in zip(labels, [(0.2, 1.0), (0.7, 0.9), (0.5, 0.95)], strict=True):
        UnitLabel.objects.filter(pk=label.pk).update(precision=mean, precision_low=low, precision_high=1)
    found = find_units(Selection({"sort": "precision"}), find_scope(Selection()), n_most=3)
    assert found == [labels[1].unit_id, labels[2].unit_id, labels[0].unit_id]


def test_a_reviewers_decision_holds_in_the_pooled_label(first: Dissection) -> None:
    careful = ask(first, "careful", *THREE)
    unit = careful.unit_labels.get(unit__index=0).unit
    rename_unit(campaign=careful, unit=unit, concept="terrier", reviewer="eva", now=NOW)
    accept_label(campaign=careful, unit=unit, reviewer="eva", now=NOW)
    ask(first, "careless", ("thing", 1.0), ("thing", 1.0), ("thing", 1.0), ("thing", 1.0))
    label = of_record()
    assert (label.campaign, label.concept) == (None, "terrier")
    assert label.accepted_at == NOW
    rename_unit(campaign=careful, unit=unit, concept="poodle", reviewer="eva", now=NOW)
    assert of_record().concept == "poodle"


def test_the_label_of_record_is_compared(first: Dissection) -> None:
    AutomaticLabel.objects.filter(unit__index=0).update(label="dog")
    careful = ask(first, "careful", *THREE)
    ask(first, "careless", ("thing", 1.0))
    compare_campaign(campaign=careful)
    assert of_record().comparison.relation == "equal"
    compare_campaign(campaign=careful)
    assert of_record().comparison.automatic_label.label == "dog"


def test_of_two_questions_the_one_that_more_people_answered_stands() -> None:
    few, many = CampaignLabel(1, 1, "short", 1, 0), CampaignLabel(2, 2, "unit_semantics", 3, 0)
    assert choose_record([few, many]) == 2
    more = CampaignLabel(3, 3, "unit_semantics", 2, 0)
    assert choose_record([few, many, more]) == Pool(frozenset({2, 3}), is_simulated=False)


def test_a_unit_page_sets_nobody_beside_other_crops(first: Dissection) -> None:
    ask(first, "old", *THREE)
    again = dissect_again(first)
    ask(again, "new", ("walrus", 1.0))
    client = sign_in(Role.VIEWER)
    page = read_page(client, "")
    above, _, elsewhere = page.partition('id="elsewhere"')
    assert str(first.pk) in above
    assert "dog" in above
    assert "gadget 0" in above
    assert "walrus" not in above
    assert "tree" not in above
    assert ">walrus<" in elsewhere
    newer, _, elsewhere = read_page(client, f"?dissection={again.pk}").partition('id="elsewhere"')
    assert '<p class="us-headline">walrus</p>' in newer
    assert '<p class="us-headline">tree</p>' in newer
    assert ">dog<" in elsewhere
    answer = Assignment.objects.get(hit__campaign__name="new", hit__hit_units__unit__index=0)
    assert '<p class="us-headline">walrus</p>' in read_page(client, f"?answer={answer.pk}")


def read_page(client: Client, query: str) -> str:
    response = client.get(f"/units/net/features.3/0/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_a_unit_page_says_why_the_unit_was_chosen_and_whether_it_is_silent(first: Dissection) -> None:
    ask(first, "old", *THREE)
    DissectedUnit.objects.filter(unit__index=0).update(silence="tied")
    page = read_page(sign_in(Role.VIEWER), "")
    assert "named" in page
    assert "Silent unit" in page


def test_marks_of_simulated_people_are_not_counted_beside_those_of_people(first: Dissection) -> None:
    ask(first, "real", ("dog", 0.9))
    ask(first, "play", ("cat", 0.5), ("cat", 0.5), is_simulated=True)
    page = read_page(sign_in(Role.VIEWER), "")
    assert "1 of 1 person says it does not fit" in page
    assert "of 3 people" not in page
