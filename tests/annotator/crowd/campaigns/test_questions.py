"""Questions about whole photographs: composed, shown to each person in another order, answered, and read as ratings."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image as Pixels

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.questions import AskedImage, Question
from annotator.crowd.campaigns.ratings import read_ratings
from annotator.crowd.models import HIT, Campaign
from annotator.units.models import Dissection, Image
from annotator.units.photographs import TILE_PX, PhotographsGone
from tests.annotator.crowd.fixtures import Market
from tests.annotator.crowd.making import color_of, draw_photographs, make_questions_campaign

METHODS = ("netdissect", "milan", "a wrong one")
N_IMAGES = 15
# What is of one page: its description, its HIT's random id, and what is drawn or signed for one visit.
OWN = re.compile(r'a thing of \w*|[0-9a-f]{8}-[-0-9a-f]{27}|nonce="[^"]*"|"token": "[^"]*"')


@pytest.fixture
def questions(dissection: Dissection, settings: Any, tmp_path: Path) -> list[Question]:
    """For each method and unit, one description and 15 photographs, of which the last three are gold."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    draw_photographs(dissection)
    images = list(Image.objects.select_related("image_set").order_by("index"))
    rows = dissection.dissected_units.select_related("unit__layer__network").order_by("unit__index")
    return [
        Question(
            unit=row.unit,
            images=tuple(
                AskedImage(image, gold=None if place < 12 else place == 13)
                for place, image in enumerate(images[start : start + N_IMAGES])
            ),
            texts=(f"a thing of {method}"[:12] + str(start),),
            key=f"{method}/{row.unit.index}",
        )
        for start, method in enumerate(METHODS)
        for row in rows
    ]


def publish(questions: list[Question], market: Market) -> Campaign:
    campaign = make_questions_campaign(questions, template="rate_description", n_assignments=2)
    market.publish(campaign)
    return campaign


def find_hit(campaign: Campaign, key: str) -> HIT:
    return campaign.hits.get(hit_units__asked_as=key)


def see(visitor: Any) -> list[int]:
    """The photographs on the page by their colors, in its order."""
    work = visitor.start()
    (address,) = work["sheets"]
    sheet = np.asarray(Pixels.open(io.BytesIO(visitor.client.get(address).content)).convert("RGB")).astype(int)
    colors = {index: color_of(seed=0, rank=index) for index in range(100)}
    middles = [
        sheet[row * TILE_PX + TILE_PX // 2, column * TILE_PX + TILE_PX // 2] for row in range(3) for column in range(5)
    ]
    return [min(colors, key=lambda index: np.abs(colors[index] - middle).sum()) for middle in middles]


def test_each_person_meets_the_photographs_in_an_order_of_their_own_and_all_of_it_becomes_ratings(
    questions: list[Question], market: Market
) -> None:
    campaign = publish(questions, market)
    hit = find_hit(campaign, "milan/2")
    orders = {}
    for name in ("ada", "bob"):
        visitor = market.accept(hit, name)
        orders[name] = see(visitor)
        # They say yes to photographs of even index.
        yes = [place for place, index in enumerate(orders[name]) if index % 2 == 0]
        no = [place for place, index in enumerate(orders[name]) if index % 2]
        stored = visitor.submit(visitor.start()["work_token"], yes=yes, no=no)
        visitor.hand_over(stored.json())
    assert sorted(orders["ada"]) == sorted(orders["bob"]) == list(range(1, 16))
    assert orders["ada"] != orders["bob"]
    collect_campaign(market.open_session(campaign))
    ratings = list(read_ratings(campaign))
    assert len(ratings) == 2 * N_IMAGES
    index = dict(Image.objects.values_list("pk", "index"))
    assert all(rating.is_yes == (index[rating.image_id] % 2 == 0) for rating in ratings)
    assert {rating.key for rating in ratings} == {"milan/2"}
    assert {index[rating.image_id]: rating.gold for rating in ratings if rating.gold is not None} == {
        13: False, 14: True, 15: False,
    }  # fmt: skip
    assert len({rating.worker for rating in ratings}) == 2
    told = io.StringIO()
    call_command("verdicts", "study", stdout=told)
    assert told.getvalue().splitlines() == [
        f"{'features.3:2':<24} {'a thing of m1':<30} 12 of 24 yes", "6 of 6 known answers right.",
    ]  # fmt: skip


def test_nothing_that_a_person_gets_names_the_method(questions: list[Question], market: Market) -> None:
    """Neither page nor answers hold the asker's name; HITs do not stand in the order of methods; pages are alike."""
    campaign = publish(questions, market)
    order = list(campaign.hits.order_by("id").values_list("hit_units__asked_as", flat=True))
    assert order != [question.key for question in questions]
    pages = {}
    for method in METHODS:
        visitor = market.accept(find_hit(campaign, f"{method}/0"), f"a reader of {method[0]}")
        page, work = visitor.open().content.decode(), visitor.start()
        assert not re.search("netdissect|milan|wrong", page + repr(work))
        pages[method] = (OWN.sub("", page), len(work["sheets"]), sorted(work))
    assert pages["netdissect"] == pages["milan"] == pages["a wrong one"]


def test_a_person_answers_each_question_once_and_others_about_the_unit_too(
    questions: list[Question], market: Market
) -> None:
    campaign = publish(questions, market)
    answer = {"yes": [0], "no": list(range(1, N_IMAGES))}
    market.work(find_hit(campaign, "milan/2"), "ada", **answer)
    again = make_questions_campaign(
        [question for question in questions if question.key in ("milan/2", "netdissect/2")],
        template="rate_description", name="again",
    )  # fmt: skip
    market.publish(again)
    assert "already answered this question" in market.accept(find_hit(again, "milan/2"), "ada").open().content.decode()
    assert market.accept(find_hit(again, "netdissect/2"), "ada").start()["state"] == "working"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": ()}, "no photographs"),
        ({"texts": ()}, "0 descriptions; rate_description asks about 1 to 1"),
        ({"texts": ("",)}, "1 to 1000"),
        ({"texts": ("x" * 2000,)}, "1 to 1000"),
        ({"texts": ("lamp", "car")}, "2 descriptions"),
        ({"key": "x" * 300}, "more than 200"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    questions: list[Question], change: dict[str, Any], words: str
) -> None:
    with pytest.raises(CannotCompose, match=words):
        make_questions_campaign([*questions, replace(questions[0], **change)], template="rate_description")
    assert not Campaign.objects.exists()


def test_one_question_twice_and_photographs_that_are_gone_or_others_are_refused(
    questions: list[Question], dissection: Dissection
) -> None:
    with pytest.raises(CannotCompose, match="ask the same"):
        make_questions_campaign([*questions, replace(questions[0], key="other")], template="rate_description")
    twice = replace(questions[0], images=(questions[0].images[0],) * 2)
    with pytest.raises(CannotCompose, match="one photograph twice"):
        make_questions_campaign([twice], template="rate_description")
    with pytest.raises(CannotCompose, match="shows crops"):
        make_questions_campaign(questions, template="unit_semantics")
    first = questions[0].images[0].image
    first.sha256 = "0" * 64
    with pytest.raises(PhotographsGone, match="has changed"):
        make_questions_campaign(questions[:1], template="rate_description")
    first.sha256 = ""
    (Path(dissection.image_set.address) / first.path).unlink()
    with pytest.raises(PhotographsGone, match=f"{first.path} of net-set cannot be read"):
        make_questions_campaign(questions[:1], template="rate_description")
    assert not Campaign.objects.exists()
