"""A question outlives lost messages, dead GPU processes and restarts; it is forgotten with its photograph."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from annotator.evidence import asking, dividing
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from workers import contract
from workers.store import FileStore, StoreError, open_store

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=contract.LEASE_SILENT_SECONDS + 1)


@dataclass
class Broker:
    """What was sent, and what the GPU processes last said."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    word: contract.Progress | None = None
    clock: float = 0.0


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: broker.sent.append(message))
    monkeypatch.setattr(gpu_queue, "is_empty", lambda: True)
    monkeypatch.setattr(gpu_queue, "watch", gpu_queue.Watch(clock=lambda: broker.clock))
    monkeypatch.setattr(gpu_queue, "read_progress", lambda _, position: broker.word)
    monkeypatch.setattr(gpu_queue, "list_processes", lambda: [gpu_queue.GPUProcess("a", "cpu", 0.0)])
    return broker


@pytest.fixture
def advance(
    db: None, broker: Broker, tmp_path: Path, settings: Settings, django_capture_on_commit_callbacks: Any
) -> Callable[[datetime], Question]:
    """Asks at the first call; advances that question at every call."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    asked: list[uuid.UUID] = []

    def run(now: datetime) -> Question:
        with django_capture_on_commit_callbacks(execute=True):
            if not asked:
                network = asking.AskedNetwork("torchvision:squeezenet1_1")
                photograph = asking.Photograph(b"a photograph")
                asked.append(asking.ask_to_explain(network=network, photograph=photograph, options={}, now=now).id)
            asking.advance(question_id=asked[0], now=now)
        return Question.objects.get(id=asked[0])

    return run


def answer(question: Question, name: str, content: dict[str, Any] | str) -> None:
    data = content if isinstance(content, str) else json.dumps(content)
    open_store(question.folder).write(name, data.encode())


def test_an_answer_is_taken_once(advance: Callable[[datetime], Question], broker: Broker) -> None:
    question = advance(NOW)
    assert [message["attempt"] for message in broker.sent] == [1]
    assert open_store(question.folder).read(contract.PHOTOGRAPH) == b"a photograph"
    answer(question, contract.result_name(0), {"predictions": []})
    assert advance(LATER).answer == {"predictions": []}
    answer(question, contract.result_name(0), {"predictions": ["other"]})
    assert advance(LATER).answer == {"predictions": []}
    assert len(broker.sent) == 1


def test_a_message_that_the_broker_lost_is_sent_again_and_counts_as_no_attempt(
    advance: Callable[[datetime], Question], broker: Broker
) -> None:
    advance(NOW)
    advance(NOW + timedelta(seconds=1))
    assert len(broker.sent) == 1
    for _ in range(5):
        question = advance(LATER)
        Question.objects.update(sent_at=NOW)
    assert question.state == Question.State.ASKED
    assert {message["attempt"] for message in broker.sent} == {1}
    assert len(broker.sent) == 6


def test_a_gpu_process_that_dies_three_times_ends_the_question_in_words(
    advance: Callable[[datetime], Question], broker: Broker
) -> None:
    question = advance(NOW)
    for attempt in (1, 2, 3):
        assert question.state == Question.State.ASKED
        word = {"attempt": attempt, "stage": "", "n_done": 0, "n_total": 0, "started_at": 0.0, "beat_at": 0.0}
        broker.word = contract.Progress(**word, process="a")
        advance(LATER)
        broker.clock += contract.LEASE_SILENT_SECONDS
        question = advance(LATER)
    assert [message["attempt"] for message in broker.sent] == [1, 2, 3]
    assert question.state == Question.State.REFUSED
    assert "lost 3 times" in question.refusal


def test_a_failed_attempt_is_tried_again_and_its_reason_told_in_the_end(
    advance: Callable[[datetime], Question], broker: Broker
) -> None:
    question = advance(NOW)
    for attempt in (1, 2, 3):
        answer(question, contract.failure_name(0, attempt), "RuntimeError: out of luck")
        question = advance(LATER)
    assert [message["attempt"] for message in broker.sent] == [1, 2, 3]
    assert question.refusal == "RuntimeError: out of luck"


def test_old_questions_are_forgotten_with_their_photographs(
    advance: Callable[[datetime], Question], tmp_path: Path
) -> None:
    advance(NOW)
    asking.forget_old(now=NOW + asking.KEPT_FOR)
    assert Question.objects.count() == 1
    asking.forget_old(now=NOW + asking.KEPT_FOR + timedelta(seconds=1))
    assert Question.objects.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_a_folder_that_cannot_be_deleted_keeps_no_other_question(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    _, newest = (Question.objects.create(kind=contract.HEADS, asked_at=NOW + timedelta(days=day)) for day in (0, 1))

    def clear(store: FileStore) -> None:
        if store.root == newest.folder:
            raise StoreError("It does not answer.")

    monkeypatch.setattr(FileStore, "clear", clear)
    asking.forget_old(now=LATER + timedelta(days=2) + asking.KEPT_FOR)
    assert list(Question.objects.all()) == [newest]


@pytest.mark.django_db
def test_what_is_kept_while_the_sweep_runs_is_not_forgotten(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    for day in (0, 1):
        Question.objects.create(kind=contract.HEADS, asked_at=NOW + timedelta(days=day))
    cleared: list[str] = []

    def clear(store: FileStore) -> None:
        cleared.append(store.root)
        Question.objects.exclude(pk=store.root.rpartition("/")[2]).update(is_kept=True)

    monkeypatch.setattr(FileStore, "clear", clear)
    asking.forget_old(now=LATER + timedelta(days=2) + asking.KEPT_FOR)
    kept = Question.objects.get()
    assert kept.is_kept
    assert len(cleared) == 1


def test_who_waits_for_a_deleted_question_is_told(advance: Callable[[datetime], Question]) -> None:
    question = advance(NOW)

    def delete() -> None:
        Question.objects.all().delete()

    with pytest.raises(asking.CannotAsk, match="was deleted meanwhile"):
        asking.wait_for_answer(question, clock=lambda: NOW, look_after=delete)


def say(attempt: int, n_done: int = 0) -> contract.Progress:
    return contract.Progress(
        attempt=attempt, stage="localize", n_done=n_done, n_total=0, started_at=0.0, beat_at=0.0, process="a"
    )


def test_a_question_in_parts_is_sent_part_by_part_and_joined(
    advance: Callable[[datetime], Question], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = advance(NOW)
    answer(question, contract.result_name(0), {contract.PARTS: [64, 20]})
    advance(NOW)
    advance(NOW)
    assert [(message["position"], message["attempt"]) for message in broker.sent] == [(0, 1), (1, 1), (2, 1)]
    monkeypatch.setattr(gpu_queue, "read_all_progress", lambda _, places: {place: say(1, 4) for place in places})
    answer(question, contract.result_name(1), {"n_images": 64})
    advance(NOW)
    word = dividing.read_progress(question)
    assert word is not None
    assert (word.n_done, word.n_total) == (68, 84)
    # The GPU process of the second part is lost: that part alone is sent again.
    broker.word = say(1)
    advance(LATER)
    broker.clock += contract.LEASE_SILENT_SECONDS
    advance(LATER)
    assert [(message["position"], message["attempt"]) for message in broker.sent[3:]] == [(2, 2)]
    broker.word = None
    answer(question, contract.result_name(2), {"n_images": 20})
    advance(LATER)
    assert [(message["position"], message["attempt"]) for message in broker.sent[4:]] == [(3, 1)]
    word = dividing.read_progress(question)
    assert word is not None
    assert word.stage == dividing.JOINING
    answer(question, contract.result_name(3), {"v1": 60.0})
    assert advance(LATER).answer == {"v1": 60.0}
    assert len(broker.sent) == 5


def test_few_parts_are_on_their_way_at_a_time_so_that_other_questions_come_between(
    advance: Callable[[datetime], Question], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = advance(NOW)
    answer(question, contract.result_name(0), {contract.PARTS: [64] * 40})
    advance(NOW)
    assert [message["position"] for message in broker.sent[1:]] == [1, 2], "one is worked on, one waits"
    answer(question, contract.result_name(2), {"n_images": 64})
    looked: list[str] = []
    exists = FileStore.exists
    monkeypatch.setattr(FileStore, "exists", lambda store, name: looked.append(name) or exists(store, name))
    advance(NOW)
    assert [message["position"] for message in broker.sent[3:]] == [3]
    assert len(looked) <= 4, "the store is not asked about parts that nobody has begun"
    two = [gpu_queue.GPUProcess(name, "cpu", 0.0) for name in "ab"]
    monkeypatch.setattr(gpu_queue, "list_processes", lambda: two)
    advance(NOW)
    assert [message["position"] for message in broker.sent[4:]] == [4]


def test_a_part_that_cannot_be_answered_refuses_the_question(
    advance: Callable[[datetime], Question], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = advance(NOW)
    answer(question, contract.result_name(0), {contract.PARTS: [64, 20]})
    advance(NOW)
    answer(question, contract.result_name(2), {"error": "The list of images changed."})
    canceled: list[str] = []
    monkeypatch.setattr(gpu_queue, "mark_canceled", lambda folder, *, is_canceled: canceled.append(folder))
    refused = advance(NOW)
    assert refused.refusal == "The list of images changed."
    assert [message["position"] for message in broker.sent] == [0, 1, 2]
    assert canceled == [refused.folder], "the other part need not go on"


def test_a_part_whose_attempts_fail_ends_the_question_with_the_reason(
    advance: Callable[[datetime], Question], broker: Broker
) -> None:
    question = advance(NOW)
    answer(question, contract.result_name(0), {contract.PARTS: [64]})
    for attempt in (1, 2, 3):
        question = advance(NOW)
        answer(question, contract.failure_name(1, attempt), "RuntimeError: out of luck")
    assert advance(NOW).refusal == "RuntimeError: out of luck"
    assert [message["attempt"] for message in broker.sent] == [1, 1, 2, 3]
