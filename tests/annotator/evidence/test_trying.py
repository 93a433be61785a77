"""A photograph that is asked about again, kept and deleted at the same moment, with stores and brokers that fail."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from annotator.evidence import asking, trying
from annotator.evidence.models import Question
from annotator.evidence.trying import CannotDelete, PhotographGone, Wanted
from annotator.units import gpu_queue
from annotator.units.models import Network
from tests.annotator.crowd.making import NOW
from workers import contract
from workers.store import FileStore, StoreError, open_store


@pytest.fixture
def marks(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the GPU processes were told of what is canceled."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    told: list[bool] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)
    monkeypatch.setattr(gpu_queue, "mark_canceled", lambda _, is_canceled: told.append(is_canceled) or True)
    return told


def make() -> tuple[Question, dict[str, Any]]:
    """An answered photograph, and what asking about it again takes."""
    person = User.objects.create(username="someone")
    question = Question(kind=Question.Kind.EXPLAIN, state=Question.State.ANSWERED, asked_at=NOW, asked_by=person)
    question.photograph_id = question.pk
    question.save()
    for name in (contract.CLEAN_PHOTOGRAPH, contract.SHOWN_PHOTOGRAPH):
        open_store(question.folder).write(name, b"pixels")
    network = Network.objects.create(name="a", architecture="torchvision:squeezenet1_1", registered_at=NOW)
    return question, {"first": question, "wanted": Wanted(network), "asked_by": person, "now": NOW}


def list_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def is_locked(question: Question) -> bool:
    """As another process finds the row."""
    found: list[bool] = []

    def look() -> None:
        try:
            with transaction.atomic():
                Question.objects.select_for_update(nowait=True).get(pk=question.pk)
            found.append(False)
        except OperationalError:
            found.append(True)
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.django_db(transaction=True)
def test_whoever_touches_the_files_of_a_photograph_holds_its_row(
    marks: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    question, again = make()
    found: list[bool] = []

    def watch(name: str) -> None:
        done: Callable[..., None] = getattr(FileStore, name)

        def look_first(*given: Any) -> None:
            found.append(is_locked(question))
            done(*given)

        monkeypatch.setattr(FileStore, name, look_first)

    watch("write")
    trying.try_again(**again)
    assert found == [True, True]
    watch("clear")
    trying.delete_photograph(question, by=again["asked_by"], now=NOW)
    assert found == [True] * 4
    Question.objects.bulk_create([question])
    asking.forget_old(now=NOW.replace(year=2030))
    assert found == [True] * 5


@pytest.mark.django_db
def test_a_photograph_that_is_gone_is_neither_asked_about_nor_kept(marks: list[bool], tmp_path: Path) -> None:
    question, again = make()
    trying.delete_photograph(Question.objects.get(), by=again["asked_by"], now=NOW)
    with pytest.raises(PhotographGone):
        trying.try_again(**again)
    with pytest.raises(PhotographGone):
        trying.set_kept(question, is_kept=True, by=again["asked_by"], now=NOW)
    trying.delete_photograph(question, by=again["asked_by"], now=NOW)
    assert list_files(tmp_path) == []
    assert not Question.objects.exists()


@pytest.mark.django_db
def test_a_store_that_fails_while_it_copies_keeps_no_copy(
    marks: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, again = make()
    before, write = list_files(tmp_path), FileStore.write

    def fail_at_the_second(store: FileStore, name: str, data: bytes) -> None:
        if name == contract.SHOWN_PHOTOGRAPH:
            raise StoreError("It does not answer.")
        write(store, name, data)

    monkeypatch.setattr(FileStore, "write", fail_at_the_second)
    with pytest.raises(StoreError):
        trying.try_again(**again)
    assert (list_files(tmp_path), Question.objects.count()) == (before, 1)


@pytest.mark.django_db
def test_what_a_gpu_process_may_still_write_is_not_called_deleted(
    marks: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, again = make()
    before, by = list_files(tmp_path), again["asked_by"]
    with monkeypatch.context() as patched:
        patched.setattr(FileStore, "clear", lambda _: (_ for _ in ()).throw(StoreError("It does not answer.")))
        with pytest.raises(StoreError):
            trying.delete_photograph(question, by=by, now=NOW)
    assert marks == [True, False], "a question that stays is answered"
    Question.objects.update(state=Question.State.ASKED)
    monkeypatch.setattr(gpu_queue, "mark_canceled", lambda _, is_canceled: False)
    with pytest.raises(CannotDelete, match="Valkey"):
        trying.delete_photograph(question, by=by, now=NOW)
    assert (list_files(tmp_path), Question.objects.count()) == (before, 1)
    Question.objects.update(state=Question.State.ANSWERED)
    trying.delete_photograph(question, by=by, now=NOW)
    assert (list_files(tmp_path), Question.objects.count()) == ([], 0)
