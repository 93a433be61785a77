"""Evidence against answers, on hand-written cases and on simulated crowds that spread as published answers do."""

import dataclasses

import pytest

from annotator.crowd.judging.suspicions import (
    JudgedAnswer,
    JudgedWorker,
    Suspicions,
    find_low_bound,
    find_suspicions,
)
from benchmarks.simulated_crowds import count_flagged, simulate, simulate_marking_nothing

PLAIN = JudgedAnswer(
    assignment=0, unit=0, worker="w", description="lamp", category="object", precision=0.9, n_marked=8, n_planted=3,
    n_planted_missed=0, active_seconds=90.0,
)  # fmt: skip


def kinds(*answers: JudgedAnswer) -> list[set[str]]:
    numbered = [dataclasses.replace(given, assignment=number) for number, given in enumerate(answers)]
    flags = find_suspicions(numbered).flags
    return [{flag.kind for flag in flags[number]} for number in range(len(answers))]


def test_a_careful_answer_has_no_flag() -> None:
    assert kinds(PLAIN, dataclasses.replace(PLAIN, worker="v"), dataclasses.replace(PLAIN, worker="u")) == [set()] * 3


def test_a_persons_time_is_compared_with_peoples_alone() -> None:
    person = dataclasses.replace(PLAIN, active_seconds=20.0)
    programs = [dataclasses.replace(PLAIN, worker=name, active_seconds=400.0, is_simulated=True) for name in "abc"]
    assert kinds(person, *programs) == [set()] * 4
    slow_people = [dataclasses.replace(one, is_simulated=False) for one in programs]
    assert kinds(person, *slow_people)[0] == {"fast"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"n_planted_missed": 2}, "missed planted"),
        ({"n_planted_missed": 3, "n_marked": 0, "precision": 1.0}, "kept all"),
        ({"active_seconds": 9.0}, "fast"),
        ({"description": "Nice"}, "stock phrase"),
        ({"category": "scene", "precision": 0.3}, "disagrees"),
    ],
)
def test_each_kind_of_evidence(changes: dict[str, object], kind: str) -> None:
    odd = dataclasses.replace(PLAIN, **changes)  # type: ignore[arg-type]
    others = [dataclasses.replace(PLAIN, worker=name) for name in "abc"]
    assert kinds(odd, *others) == [{kind}, set(), set(), set()]


def test_the_same_words_on_many_units_are_shown() -> None:
    same = [dataclasses.replace(PLAIN, unit=unit) for unit in range(3)]
    other = dataclasses.replace(PLAIN, unit=3, description="wheel")
    assert kinds(*same, other) == [{"repeated"}] * 3 + [set()]
    others = [dataclasses.replace(PLAIN, unit=10 + unit, description=f"thing {unit}") for unit in range(5)]
    assert kinds(*same, *others)[0] == set(), "three units of eight are less than two fifths"
    fourth = dataclasses.replace(PLAIN, unit=4)
    assert kinds(*same, fourth, other, *others)[0] == {"repeated"}, "four of ten are two fifths"


def test_an_answer_is_not_compared_with_itself_nor_with_its_own_persons() -> None:
    on_other_units = [dataclasses.replace(PLAIN, worker=name, unit=9) for name in "abc"]
    twice = dataclasses.replace(PLAIN, category="scene", precision=0.3)
    v, u = (dataclasses.replace(PLAIN, worker=name) for name in "vu")
    assert kinds(twice, v, u, *on_other_units)[0] == {"disagrees"}
    assert kinds(twice, v, v, *on_other_units)[0] == set(), "one other person, twice"
    assert kinds(dataclasses.replace(PLAIN, worker="w"), *[twice] * 2)[0] == set(), "all three are of one person"
    again = dataclasses.replace(PLAIN, description="wheel")
    assert kinds(again, again, again, PLAIN) == [set()] * 4, "the same words, thrice, of one unit"
    slow, alone = dataclasses.replace(PLAIN, active_seconds=400.0), dataclasses.replace(PLAIN, active_seconds=9.0)
    (fast, _), flags = kinds(PLAIN, slow), find_suspicions([alone]).flags[0]
    assert fast == {"fast"}, "the median of two would be 245 s, and the other answer's is 400 s"
    assert [flag.words for flag in flags] == ["Took 9 s of active time."]
    assert kinds(dataclasses.replace(alone, active_seconds=10.0)) == [set()], "as long as it takes to look"


def test_every_unit_of_an_assignment_is_judged() -> None:
    missed = dataclasses.replace(PLAIN, n_planted_missed=2)
    flags = find_suspicions([missed, dataclasses.replace(PLAIN, unit=1)]).flags
    assert [flag.kind for flag in flags[0]] == ["missed planted"]


def test_the_low_bound_is_wilsons() -> None:
    # Textbook value: 10 of 50 at z = 1.96 gives .112.
    assert find_low_bound(n_missed=10, n=50, z=1.96) == pytest.approx(0.1124, abs=1e-4)
    assert find_low_bound(n_missed=0, n=60) == 0
    assert find_low_bound(n_missed=0, n=0) == 0


@pytest.mark.parametrize("seed", range(5))
def test_with_30_percent_careless_people_precision_is_nearly_as_good_as_without(seed: int) -> None:
    crowd = simulate(seed)
    assert 0.18 <= crowd.find_spread() <= 0.22  # the published answers of one unit
    careful, counted = crowd.of_careful(), crowd.counted()
    assert crowd.find_error(counted) <= 1.1 * crowd.find_error(careful)
    # Careless people keep crops, so that counting them makes units look better than they are; leaving out undoes it.
    assert crowd.find_bias(crowd.answers) > crowd.find_bias(careful) + 0.02
    assert abs(crowd.find_bias(counted) - crowd.find_bias(careful)) < 0.01


def test_of_workers_with_20_hits_careless_are_flagged_and_careful_are_not() -> None:
    flagged = count_flagged([simulate(seed) for seed in range(20)])
    assert flagged.n_careless > 50
    assert flagged.n_careful > 100
    assert flagged.n_caught >= 0.9 * flagged.n_careless
    assert flagged.n_wronged <= 0.02 * flagged.n_careful


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_who_marks_nothing_does_not_raise_precision(share: float) -> None:
    crowds = [simulate_marking_nothing(seed, share) for seed in range(4)]
    counted = sum(crowd.find_bias(crowd.counted()) for crowd in crowds) / len(crowds)
    everything = sum(crowd.find_bias(crowd.answers) for crowd in crowds) / len(crowds)
    assert abs(counted) <= 0.01
    assert everything > 0.02


def test_a_single_miss_removes_nobody() -> None:
    """Two of three planted negatives missed once, by somebody who is careful otherwise, or of whom little is known."""
    careful = [dataclasses.replace(PLAIN, unit=unit, assignment=unit) for unit in range(20)]
    slip = dataclasses.replace(PLAIN, unit=20, assignment=20, n_planted_missed=3, n_marked=0, precision=1.0)
    assert find_suspicions([*careful, slip]).find_set_aside([*careful, slip]) == {}
    unknown = dataclasses.replace(slip, worker="new")
    assert find_suspicions([*careful, unknown]).find_set_aside([*careful, unknown]) == {}


def test_an_answer_is_set_aside_for_what_it_lacks_itself() -> None:
    """A careless worker's answers count wherever they found the planted negatives; whose answers do not depend on the
    unit is not counted where there are none.
    """
    careless = [
        dataclasses.replace(PLAIN, unit=unit, assignment=unit, n_planted_missed=missed)
        for unit, missed in enumerate([3, 3, 3, 2, 1])
    ]
    unknown = dataclasses.replace(PLAIN, worker=None, assignment=9, n_planted_missed=3)
    reasons = find_suspicions([*careless, unknown]).find_set_aside([*careless, unknown])
    assert reasons.keys() == {0, 1, 2, 3}
    assert reasons[3] == "The worker left 12 of 15 planted negatives unmarked on 5 HITs; 2 of 3 here."

    indifferent = JudgedWorker(
        worker="w", n_hits=30, n_planted=3, n_planted_missed=0, miss_rate_low=0, is_flagged=False, indifference="Alike."
    )
    shown, unplanted = PLAIN, dataclasses.replace(PLAIN, assignment=1, n_planted=0)
    judged = Suspicions(workers={"w": indifferent})
    assert judged.find_set_aside([shown, unplanted]) == {1: "Alike."}
    attentive = Suspicions(workers={"w": dataclasses.replace(indifferent, indifference="")})
    assert attentive.find_set_aside([shown, unplanted]) == {}
