"""What answers weigh and how likely crops fit; of some answers the worker, the category or the marks are not known."""

from dataclasses import replace
from itertools import product

from annotator.labels.counted_answers import CountedAnswer
from annotator.labels.weighing import estimate_crop_fits, weigh_answers

PLAIN = CountedAnswer(
    unit_id=0, worker="ann", is_simulated=False, description="lamp", category="object", precision=0.5, n_fitting=2,
    n_shown=4, shown=(0, 1, 2, 3), marked=frozenset({3}),
)  # fmt: skip
CATEGORIES = ("object", "scene", "object part")


def ask() -> list[CountedAnswer]:
    """Ann and bob agree on each of nine units; cyd always says scene, and marks what nobody else does."""
    return [
        replace(
            PLAIN,
            unit_id=unit,
            worker=worker,
            category="scene" if worker == "cyd" else CATEGORIES[unit % 3],
            marked=frozenset({0} if worker == "cyd" else {3}),
        )
        for unit, worker in product(range(9), ("ann", "bob", "cyd"))
    ]


def test_who_agrees_with_others_weighs_more() -> None:
    weights = weigh_answers(ask())
    assert set(weights[::3]) == set(weights[1::3])
    assert weights[0] > 2 * weights[2]


def test_an_answer_without_a_category_weighs_as_its_worker_and_votes_on_nobody() -> None:
    answers = ask()
    silent = [*answers, replace(PLAIN, unit_id=9, worker="bob", category="")]
    assert weigh_answers(silent) == [*weigh_answers(answers), weigh_answers(answers)[1]]


def test_every_answer_weighs_1_if_a_worker_is_not_known_or_no_category_is() -> None:
    answers = ask()
    assert weigh_answers([*answers, replace(PLAIN, worker=None)]) == [1.0] * 28
    assert weigh_answers([replace(one, category="") for one in answers]) == [1.0] * 27
    assert weigh_answers([]) == []


def test_a_crop_that_those_who_agree_marked_fits_less() -> None:
    fits = estimate_crop_fits(ask())
    assert fits.keys() == set(range(9))
    assert all(of_unit.keys() == {0, 1, 2, 3} for of_unit in fits.values())
    assert max(of_unit[3] for of_unit in fits.values()) < 0.5 < min(of_unit[0] for of_unit in fits.values())
    assert all(of_unit[1] == of_unit[2] >= of_unit[0] for of_unit in fits.values())


def test_no_crop_has_a_probability_if_marks_or_a_worker_are_not_known() -> None:
    answers = ask()
    assert estimate_crop_fits([*answers, replace(PLAIN, worker=None)]) == {}
    assert estimate_crop_fits([*answers, replace(PLAIN, marked=None)]) == {}
    assert estimate_crop_fits([]) == {}
