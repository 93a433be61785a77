"""One computation of a study's report at a time, and what it leaves in Valkey."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.studies import computing, report
from annotator.studies.computing import BUSY, OWNER, PROBLEM, REPORT, compute_report, find_report
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.studies.record import StudyRecord
from tests.annotator.crowd.making import NOW, make_dissection

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    dissection = make_dissection(tmp_path, n_units=1, n_top=1, n_low=1)
    plan = Plan(units=("features.3:0",), methods=("INVERT",), image_set="a", image_set_sha256="", n_images=1)
    made = Study.objects.create(
        name="birds", dissection=dissection, plan=plan.describe(), sha256="6" * 64, planned_at=NOW
    )
    monkeypatch.setattr(computing, "send_task", lambda *message, queue: True)
    keys = [computing._name_key(made, what) for what in (REPORT, PROBLEM, BUSY, OWNER)]
    cache.delete_many(keys)
    yield made
    cache.delete_many(keys)


@pytest.fixture
def describing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Replaces the computation: each call is counted, does what is given once, and its report says which call it is."""

    def replace_by(*acts: Callable[[], object]) -> list[int]:
        calls: list[int] = []
        waiting = list(acts)

        def describe(record: StudyRecord, *, progress: Any) -> dict[str, Any]:
            calls.append(len(calls) + 1)
            number = calls[-1]
            if waiting:
                waiting.pop(0)()
            return {"call": number}

        monkeypatch.setattr(computing, "describe_study", describe)
        return calls

    return replace_by


def add_answers(study: Study) -> None:
    """Something that the report depends on changes."""
    n = study.rounds.count()
    campaign = Campaign.objects.create(
        name=f"birds-{n}", marketplace="own", n_assignments=1, reward_usd=1, budget_cap_usd=1, seed=1, created_at=NOW
    )
    study.rounds.create(number=n, campaign=campaign)


def see(study: Study) -> tuple[int, bool]:
    found = find_report(study)
    return (found.report or {"call": 0})["call"], found.is_current


def test_a_report_that_is_kept_is_not_computed_again(study: Study, describing: Callable[..., list[int]]) -> None:
    calls = describing()
    compute_report(study)
    compute_report(study)
    assert (calls, see(study)) == ([1], (1, True))
    add_answers(study)
    assert see(study) == (1, False)
    compute_report(study)
    assert (calls, see(study)) == ([1, 2], (2, True))


def test_a_second_task_does_not_run_beside_the_first_nor_end_its_progress(
    study: Study, describing: Callable[..., list[int]]
) -> None:
    busy = []

    def send_again() -> None:
        compute_report(study)
        busy.append(cache.get(computing._name_key(study, BUSY)))

    calls = describing(send_again)
    compute_report(study)
    assert (calls, busy) == ([1], [[0, 0]])
    assert cache.get(computing._name_key(study, BUSY)) is None


def test_an_older_state_that_ends_later_overwrites_nothing(study: Study, describing: Callable[..., list[int]]) -> None:
    def be_overtaken() -> None:
        """It was silent for so long that another one began, and ended first."""
        cache.delete_many([computing._name_key(study, what) for what in (BUSY, OWNER)])
        add_answers(study)
        compute_report(study)

    assert describing(be_overtaken) == []
    compute_report(study)
    assert see(study) == (2, True)


def test_the_one_that_is_overtaken_leaves_the_progress_of_the_other(
    study: Study, describing: Callable[..., list[int]]
) -> None:
    owner, busy = (computing._name_key(study, what) for what in (OWNER, BUSY))

    def be_overtaken() -> None:
        cache.set(owner, "another", 60)
        cache.set(busy, [7, 9], 60)

    describing(be_overtaken)
    compute_report(study)
    assert (cache.get(owner), cache.get(busy), see(study)) == ("another", [7, 9], (0, False))
    assert find_report(study).n_done == 7


def test_a_long_silence_costs_no_report(study: Study, describing: Callable[..., list[int]]) -> None:
    keys = [computing._name_key(study, what) for what in (BUSY, OWNER)]
    describing(lambda: cache.delete_many(keys))
    compute_report(study)
    assert see(study) == (1, True)


def test_progress_is_written_by_time_too(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    now = [1000.0]

    def describe(record: StudyRecord, *, progress: Any) -> dict[str, Any]:
        for n_done, seconds in ((1, 1.0), (2, 10.0), (3, 1.0)):
            now[0] += seconds
            progress(n_done, 400)
            seen.append(cache.get(computing._name_key(study, BUSY)))
        return {"call": 1}

    monkeypatch.setattr(computing, "describe_study", describe)
    monkeypatch.setattr(computing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    compute_report(study)
    assert seen == [[0, 0], [2, 400], [2, 400]]


def test_parts_after_the_resamples_are_heard() -> None:
    heard: list[tuple[int, int]] = []
    parts = list(report._tell_each("abc", lambda n_done, n_total: heard.append((n_done, n_total))))
    assert (parts, len(heard), len(set(heard))) == (["a", "b", "c"], 3, 1)


def test_a_defect_leaves_the_last_report_and_is_forgotten_first(
    study: Study, describing: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    describing()
    compute_report(study)
    add_answers(study)

    def refuse(study: Study) -> Any:
        raise Refused("Its images are gone.")

    with monkeypatch.context() as patch:
        patch.setattr(computing, "read_study", refuse)
        compute_report(study)
    assert (see(study), find_report(study).problem) == ((1, False), "Its images are gone.")
    cache.delete(computing._name_key(study, PROBLEM))
    assert (see(study), find_report(study).problem) == ((1, False), "")


class Refused(Refusal):
    pass


def test_a_report_of_an_older_program_is_not_shown(
    study: Study, describing: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    describing()
    old = {"state": computing._digest(study), "shown": {"report": {"call": 9}, "is_current": True, "gone": 1}}
    cache.set(f"study-report-{study.pk}-{study.sha256}", old, 60)
    assert see(study) == (0, False)
    compute_report(study)
    state = computing._digest(study)
    monkeypatch.setattr(computing, "FORMAT", computing.FORMAT + 1)
    assert (see(study), computing._digest(study) == state) == ((0, False), False)
    cache.delete_many([f"study-report-{study.pk}-{study.sha256}", computing._name_key(study, BUSY)])
