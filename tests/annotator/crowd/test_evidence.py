"""Evidence against answers, on hand-written cases and on simulated crowds that spread as published answers do."""

import dataclasses
import random
import statistics

import pytest

from annotator.crowd.evidence import Given, find_low_bound, gather_evidence

PLAIN = Given(
    assignment=0, unit=0, worker="w", description="lamp", category="object", precision=0.9, n_marked=8, n_planted=3,
    n_planted_missed=0, active_seconds=90.0,
)  # fmt: skip


def kinds(*answers: Given) -> list[set[str]]:
    numbered = [dataclasses.replace(given, assignment=number) for number, given in enumerate(answers)]
    flags = gather_evidence(numbered).flags
    return [{flag.kind for flag in flags[number]} for number in range(len(answers))]


def test_a_careful_answer_has_no_flag() -> None:
    assert kinds(PLAIN, dataclasses.replace(PLAIN, worker="v"), dataclasses.replace(PLAIN, worker="u")) == [set()] * 3


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


def test_the_low_bound_is_wilsons() -> None:
    # Textbook value: 10 of 50 at z = 1.96 gives .112.
    assert find_low_bound(n_missed=10, n=50, z=1.96) == pytest.approx(0.1124, abs=1e-4)
    assert find_low_bound(n_missed=0, n=60) == 0
    assert find_low_bound(n_missed=0, n=0) == 0


# --- simulated crowds. Careful people: precision around the unit's with the published spread between people, a planted
# negative missed now and then. Careless people keep everything, or mark some crops without looking.


def simulate(
    seed: int, *, n_units: int = 120, n_workers: int = 30, n_answers: int = 5
) -> tuple[list[Given], list[float]]:
    draw = random.Random(seed)
    careless = {f"w{n}": n % 10 < 3 for n in range(n_workers)}
    truth = [min(0.98, max(0.3, draw.gauss(0.75, 0.12))) for _ in range(n_units)]
    answers: list[Given] = []
    for unit, fits in enumerate(truth):
        for worker in draw.sample(sorted(careless), n_answers):
            answers.append(simulate_answer(draw, len(answers), unit, worker, fits, is_careless=careless[worker]))
    return answers, truth


def simulate_answer(
    draw: random.Random, number: int, unit: int, worker: str, fits: float, *, is_careless: bool
) -> Given:
    if is_careless:
        marks = draw.choice([0.0, 0.0, 0.1, 0.3])
        precision, missed = 1 - marks, sum(draw.random() >= marks for _ in range(3))
    else:
        precision = min(1.0, max(0.0, draw.gauss(fits, 0.25)))
        missed = sum(draw.random() < 0.08 for _ in range(3))
    return dataclasses.replace(
        PLAIN, assignment=number, unit=unit, worker=worker, precision=precision, n_planted_missed=missed,
        n_marked=round(57 * (1 - precision)) + 3 - missed, description=f"words {number}",
    )  # fmt: skip


def is_careless(given: Given) -> bool:
    return int((given.worker or "w9")[1:]) % 10 < 3


def mean_error(answers: list[Given], truth: list[float]) -> float:
    by_unit: dict[int, list[float]] = {}
    for given in answers:
        by_unit.setdefault(given.unit, []).append(given.precision)
    return statistics.fmean(abs(statistics.fmean(values) - truth[unit]) for unit, values in by_unit.items())


def find_bias(answers: list[Given], truth: list[float]) -> float:
    return statistics.fmean(given.precision - truth[given.unit] for given in answers)


@pytest.mark.parametrize("seed", range(5))
def test_with_30_percent_careless_people_precision_is_nearly_as_good_as_without(seed: int) -> None:
    answers, truth = simulate(seed)
    careful = [given for given in answers if not is_careless(given)]
    spread = [
        statistics.stdev(values)
        for unit in range(len(truth))
        if len(values := [given.precision for given in careful if given.unit == unit]) > 2
    ]
    assert 0.17 <= statistics.fmean(spread) <= 0.22  # the published answers of one unit: .18 to .22
    left_out = gather_evidence(answers).find_left_out(answers)
    kept = [given for given in answers if given.assignment not in left_out]
    assert mean_error(kept, truth) <= 1.1 * mean_error(careful, truth)
    # Careless people keep crops, so that counting them makes units look better than they are; leaving out undoes it.
    assert find_bias(answers, truth) > find_bias(careful, truth) + 0.03
    assert abs(find_bias(kept, truth) - find_bias(careful, truth)) < 0.01


def test_of_workers_with_20_hits_careless_are_flagged_and_careful_are_not() -> None:
    n_careless = n_careful = caught = wronged = 0
    for seed in range(20):
        answers, _ = simulate(seed)
        for worker, evidence in gather_evidence(answers).workers.items():
            if evidence.n_hits < 20:
                continue
            if int(worker[1:]) % 10 < 3:
                n_careless, caught = n_careless + 1, caught + evidence.is_flagged
            else:
                n_careful, wronged = n_careful + 1, wronged + evidence.is_flagged
    assert n_careless > 50
    assert n_careful > 100
    assert caught >= 0.9 * n_careless
    assert wronged <= 0.02 * n_careful
