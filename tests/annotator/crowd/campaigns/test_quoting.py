"""The quote learns how long HITs take from people's measured time, never from a program's."""

import pytest

from annotator.crowd.campaigns.quoting import (
    MIN_ANSWERS,
    MIN_PEOPLE,
    measure_campaign,
    measure_time,
    quote_campaign,
)
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.models import Campaign, Worker
from annotator.units.models import Dissection
from tests.annotator.crowd.fixtures import campaign, dissection
from tests.annotator.crowd.making import NOW, make_answer, make_campaign

__all__ = ["campaign", "dissection"]
pytestmark = pytest.mark.django_db


def answer_by(campaign: Campaign, name: str, seconds: list[float], *, is_simulated: bool = False) -> None:
    worker = Worker.objects.create(
        marketplace="own", external_id=name, pseudonym=name, is_simulated=is_simulated, created_at=NOW
    )
    hits = list(campaign.hits.all())
    for number, one in enumerate(seconds):
        make_answer(
            hit=hits[number % len(hits)],
            worker=worker,
            external_id=f"{name}{number}",
            active_seconds=one,
            state="submitted",
        )


def test_a_quote_takes_the_median_of_what_people_needed(campaign: Campaign, dissection: Dissection) -> None:
    expected = load_template("unit_semantics").expected_seconds
    for name in "abcd":
        answer_by(campaign, name, [20.0] * 4)
    answer_by(campaign, "program", [400.0] * 40, is_simulated=True)
    assert measure_time("unit_semantics") is None  # 16 answers of 4 people
    answer_by(campaign, "e", [30.0] * 40)  # one person, however busy
    measured = measure_time("unit_semantics")
    assert measured is not None
    assert (measured.seconds, measured.n_answers, measured.n_people) == (20, 56, 5)
    assert measure_time("verify_label") is None
    assert campaign.quote["seconds_per_assignment"] == expected
    another = make_campaign(dissection, name="another")
    quote = quote_campaign(campaign=another, now=NOW)
    assert (quote.seconds_per_assignment, quote.time_from) == (20, "56 answers of 5 people")


def test_the_fewest_people_and_answers_that_tell_a_time(campaign: Campaign) -> None:
    for name in range(MIN_PEOPLE):
        answer_by(campaign, f"person-{name}", [0.2] * (MIN_ANSWERS // MIN_PEOPLE))
    measured = measure_time("unit_semantics")
    assert measured is not None
    assert (measured.seconds, measured.n_answers, measured.n_people) == (1, MIN_ANSWERS, MIN_PEOPLE)


def test_the_time_in_one_campaign_is_that_of_its_people(campaign: Campaign, dissection: Dissection) -> None:
    assert measure_campaign(campaign) is None
    answer_by(campaign, "a", [20.0] * 5)
    answer_by(campaign, "b", [40.0])
    answer_by(campaign, "program", [400.0] * 9, is_simulated=True)
    answer_by(make_campaign(dissection, name="another"), "c", [300.0])
    assert measure_campaign(campaign) == 30
