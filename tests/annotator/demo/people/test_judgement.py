"""What simulated people answer: by content alone, well or badly as their temper says."""

import hashlib

import pytest

from annotator.crowd.categories import SemanticCategory
from annotator.demo.people.judgement import Knowledge, judge, rank_labels
from annotator.demo.people.seeing import TileSight
from annotator.demo.people.tempers import TEMPERS, Person, draw, gather_people, rank_people

CAR, SKY, RED, WHEEL = 1, 2, 3, 4
KNOWLEDGE = Knowledge(
    label_of={CAR: ("object", "car"), SKY: ("object", "sky"), RED: ("color", "red-c"), WHEEL: ("part", "wheel")},
    base_rates={CAR: 0.02, SKY: 0.5, RED: 0.1, WHEEL: 0.04},
)
CAREFUL, HURRIED, CARELESS = TEMPERS


def sight(number, shows):
    return TileSight(hashlib.sha256(str(number).encode()).hexdigest(), None if shows is None else frozenset(shows))


# 40 tiles show a car under the sky, 15 only sky, 5 were not recognized.
TILES = [sight(i, {CAR, SKY}) for i in range(40)] + [sight(i, {SKY}) for i in range(40, 55)]
TILES += [sight(i, None) for i in range(55, 60)]


def judge_as(temper, seed=1, tiles=TILES, name="simulated-x"):
    return judge(person=Person(name, temper), sights=tiles, knowledge=KNOWLEDGE, seed=seed)


def test_what_is_common_anyway_is_not_telling():
    assert rank_labels(TILES, KNOWLEDGE)[0] == CAR
    assert SKY not in rank_labels(TILES, KNOWLEDGE)


def test_a_color_is_named_only_where_it_tells_clearly_more():
    red_cars = [sight(i, {CAR, RED}) for i in range(30)] + [sight(i, {RED}) for i in range(30, 40)]
    assert rank_labels(red_cars, KNOWLEDGE)[0] == CAR
    assert rank_labels([sight(i, {RED}) for i in range(40)], KNOWLEDGE) == [RED]


def test_careful_people_name_the_thing_mark_what_does_not_show_it_and_choose_its_category():
    answers = [judge_as(CAREFUL, name=f"simulated-{i}") for i in range(60)]
    words = [answer.description for answer in answers]
    assert sum(word in ("car", "cars", "automobile") for word in words) >= 52
    assert sum(answer.category is SemanticCategory.OBJECT for answer in answers) >= 52
    wrong = [len(set(answer.marked) ^ set(range(40, 60))) for answer in answers]
    assert sum(wrong) / (60 * 60) == pytest.approx((40 * CAREFUL.false_mark + 20 * CAREFUL.miss) / 60, abs=0.015)


def test_hurried_people_miss_more_than_careful_ones():
    def missed(temper):
        return sum(len(set(range(40, 60)) - set(judge_as(temper, name=f"simulated-{i}").marked)) for i in range(40))

    assert missed(HURRIED) > 2 * missed(CAREFUL)


def test_careless_people_do_not_look():
    other_tiles = [TileSight(tile.key, frozenset({WHEEL})) for tile in TILES]
    for seed in range(10):
        assert judge_as(CARELESS, seed) == judge_as(CARELESS, seed, tiles=other_tiles)
    assert {judge_as(CARELESS, seed).category for seed in range(60)} == set(SemanticCategory)


def test_the_order_of_the_tiles_changes_nothing_but_the_positions():
    order = sorted(range(60), key=lambda i: draw("shuffle", i))
    for temper in TEMPERS:
        straight, shuffled = judge_as(temper), judge_as(temper, tiles=[TILES[i] for i in order])
        assert (straight.description, straight.category) == (shuffled.description, shuffled.category)
        assert {order[position] for position in shuffled.marked} == set(straight.marked)


def test_seed_person_and_pictures_decide_and_nothing_else():
    assert judge_as(HURRIED) == judge_as(HURRIED)
    assert any(judge_as(HURRIED, seed) != judge_as(HURRIED) for seed in range(2, 6))
    assert any(judge_as(HURRIED, name=f"simulated-{i}") != judge_as(HURRIED) for i in range(4))


def test_surfaces_parts_and_colors_have_the_category_that_people_use():
    def category(number):
        tiles = [sight(i, {number}) for i in range(60)]
        answers = [judge_as(CAREFUL, tiles=tiles, name=f"simulated-{i}").category for i in range(30)]
        return max(set(answers), key=answers.count)

    assert category(SKY) is SemanticCategory.REGION_OR_SURFACE
    assert category(WHEEL) is SemanticCategory.OBJECT_PART
    assert category(RED) is SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS


def test_somebody_who_recognizes_nothing_answers_at_random():
    answer = judge_as(CAREFUL, tiles=[sight(i, None) for i in range(60)])
    assert answer.description
    assert answer.category in SemanticCategory


def test_the_crew_has_each_temper_in_its_share_and_simulated_names():
    people = gather_people(n_people=12)
    assert len({person.name for person in people}) == 12
    assert all(person.name.startswith("simulated-") for person in people)
    assert {t.name: sum(p.temper is t for p in people) for t in TEMPERS} == {t.name: t.n_people for t in TEMPERS}
    assert len(gather_people(n_people=30)) == len({person.name for person in gather_people(n_people=30)}) == 30


def test_who_takes_a_hit_follows_from_its_pictures_and_everybody_gets_some():
    people = gather_people(n_people=12)
    keys = [f"picture {i}" for i in range(200)]
    chosen = [rank_people(people, seed=1, picture_key=key)[:3] for key in keys]
    assert chosen == [rank_people(tuple(reversed(people)), seed=1, picture_key=key)[:3] for key in keys]
    counts = [sum(person in three for three in chosen) for person in people]
    assert min(counts) >= 30
    assert max(counts) <= 70
    # Whoever has done it already drops out; the others keep their order.
    first, *others = rank_people(people, seed=1, picture_key="picture 1")
    rest = tuple(person for person in people if person is not first)
    assert rank_people(rest, seed=1, picture_key="picture 1") == tuple(others)


def test_a_phrase_fits_the_tiles_that_show_what_it_names():
    def share(phrase, temper=CAREFUL):
        person = Person("simulated-x", temper)
        return judge(person=person, sights=TILES, knowledge=KNOWLEDGE, seed=1, phrase=phrase).share_fitting

    assert share("automobile") == pytest.approx(40 / 60, abs=0.1)
    assert share("sky") == pytest.approx(55 / 60, abs=0.1)
    assert share("red") < 0.1
    assert share("no such thing") < 0.1
    assert KNOWLEDGE.find_named("Red") == {RED}
    assert share("car", CARELESS) == share("no such thing", CARELESS), "who does not look says anything"


def test_what_is_in_no_vocabulary_is_called_by_its_own_name():
    own = Knowledge(label_of={7: ("gadget", "lamp_post"), 8: ("object", "Eulen")}, base_rates={})
    tiles = [sight(i, {7}) for i in range(40)]
    answer = judge(person=Person("simulated-1", CAREFUL), sights=tiles, knowledge=own, seed=1, phrase="Lamp post")
    assert answer.description == "lamp post"
    assert answer.category is SemanticCategory.OBJECT
    assert answer.share_fitting > 0.9
    assert own.find_named("eulen") == {8}
