"""Campaigns about photographs: their pictures go with the last campaign that shows them, and stay out of bundles."""

from pathlib import Path

import pytest
from pytest_django import Settings

from annotator.comparison.reports import describe_campaign
from annotator.crowd.campaigns.deleting import delete_unpublished
from annotator.crowd.campaigns.questions import AskedImage, Question, make_question_key
from annotator.crowd.models import Campaign
from annotator.published.bundle.packing import write_bundle
from annotator.published.bundle.unpacking import import_bundle
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.making import NOW, draw_photographs, make_dissection, make_questions_campaign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dissection(settings: Settings, tmp_path: Path) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=1, n_top=2, n_low=1)
    draw_photographs(made)
    return made


def make_questions(dissection: Dissection) -> list[Question]:
    """Two descriptions of one unit, on the same photographs."""
    unit = dissection.dissected_units.select_related("unit__layer__network").get().unit
    images = list(Image.objects.select_related("image_set").order_by("index")[:4])
    asked = tuple(AskedImage(image, gold=place == 1 or None) for place, image in enumerate(images))
    return [Question(unit=unit, images=asked, texts=(text,)) for text in ("a wheel", "a street")]


def list_pictures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "store" / "photographs").rglob("*.jpg")}


def test_pictures_go_with_the_last_campaign_that_shows_them(dissection: Dissection, tmp_path: Path) -> None:
    first, second = make_questions(dissection)
    one = make_questions_campaign([first], template="rate_description", name="one")
    two = make_questions_campaign([second], template="rate_description", name="two")
    shown = list_pictures(tmp_path)
    assert shown
    delete_unpublished(one)
    assert list_pictures(tmp_path) == shown
    delete_unpublished(two)
    assert list_pictures(tmp_path) == set()


def test_a_bundle_brings_several_questions_about_one_unit_and_no_photographs(
    dissection: Dissection, tmp_path: Path
) -> None:
    questions = make_questions(dissection)
    campaign = make_questions_campaign(questions, template="rate_description")
    path = tmp_path / "bundle.zip"
    write_bundle(campaign=campaign, report=describe_campaign(campaign=campaign), path=path, now=NOW)
    delete_unpublished(campaign)
    assert import_bundle(path=path, now=NOW).is_new
    keys = set(Campaign.objects.get().hits.values_list("question_key", flat=True))
    assert keys == {make_question_key(question) for question in questions}
    assert list_pictures(tmp_path) == set()
