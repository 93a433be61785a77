"""What people said of photographs, counted: which they chose, which description fits best, and grades."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotator.crowd.campaigns.questions import AskedImage, Question
from annotator.crowd.models import Answer, Assignment, Campaign, HITUnit, Worker
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.making import NOW, draw_photographs, make_dissection, make_questions_campaign

pytestmark = pytest.mark.django_db
TEXTS = ("wheel", "a street at night")


@pytest.fixture
def dissection(settings: Any, tmp_path: Path) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=1, n_top=2, n_low=1)
    draw_photographs(made)
    return made


def ask(dissection: Dissection, template: str, *, texts: tuple[str, ...], facts: dict[str, bool]) -> HITUnit:
    images = list(Image.objects.select_related("image_set").order_by("index")[:20])
    unit = dissection.dissected_units.select_related("unit__layer__network").get().unit
    question = Question(unit=unit, images=tuple(map(AskedImage, images)), texts=texts, facts=facts)
    campaign = make_questions_campaign([question], template=template, name=f"{template}-{len(facts)}")
    return HITUnit.objects.get(hit__campaign=campaign)


def answer(asked: HITUnit, number: int, **values: Any) -> None:
    worker = Worker.objects.create(
        marketplace="own", external_id=f"{asked.pk}-{number}", pseudonym=f"{asked.pk}-{number}", created_at=NOW
    )
    left_out = values.pop("is_left_out", False)
    assignment = Assignment.objects.create(
        hit=asked.hit, worker=worker, external_id=f"A{asked.pk}-{number}", state="approved", is_left_out=left_out
    )
    Answer.objects.create(assignment=assignment, hit_unit=asked, **values)


def tell(asked: HITUnit) -> list[str]:
    out = StringIO()
    call_command("verdicts", asked.hit.campaign.name, stdout=out)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_choices_are_counted_apart_from_catch_trials(dissection: Dissection) -> None:
    asked = ask(dissection, "two_choice", texts=(), facts={})
    for number, is_right in enumerate([1.0, 1.0, 0.0]):
        answer(asked, number, says={}, metrics={"right": is_right, "confidence": 2.0})
    answer(asked, 3, says={}, metrics={"catch_right": 1.0})
    answer(asked, 4, says={}, metrics={"right": 1.0}, is_left_out=True)
    assert tell(asked) == ["features.3:0 2 of 3 right", "features.3:0 catch trial 1 of 1 right"]


def test_descriptions_are_chosen_or_graded(dissection: Dissection) -> None:
    chosen = ask(dissection, "best_of", texts=TEXTS, facts={})
    for number, best in enumerate([1, 1, 0]):
        answer(chosen, number, says={"best": best, "text": TEXTS[best]}, metrics={})
    assert tell(chosen) == ["features.3:0 wheel best for 1 of 3", "features.3:0 a street at night best for 2 of 3"]
    graded = ask(dissection, "best_of", texts=TEXTS, facts={"is_graded": True})
    for number, grades in enumerate([[1, 5], [2, 5]]):
        answer(graded, number, says={"grades": grades}, metrics={})
    assert tell(graded) == [
        "features.3:0 wheel mean grade 1.50 by 2",
        "features.3:0 a street at night mean grade 5.00 by 2",
    ]


def test_grades_are_asked_for_from_the_command_line_and_in_best_of_alone(dissection: Dissection) -> None:
    asked = {"top_iou": 0, "random": 0, "units": ["features.3:0"], "graded": True, "stdout": StringIO()}
    with pytest.raises(CommandError, match="Grades are given in best_of alone, not in two_choice"):
        call_command("launch", "other", dissection=[str(dissection.pk)], template="two_choice", **asked)
    assert not Campaign.objects.exists()
