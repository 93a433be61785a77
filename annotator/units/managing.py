"""Cancels, retries and deletes dissections. GPU processes are told, so that nothing runs on that nobody wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, Q

from annotator.refusals import Refusal
from annotator.units import chance, gpu_queue
from annotator.units.dissecting import UNFINISHED, advance_dissection
from annotator.units.gpu_tasks import JOINING
from annotator.units.growing import ANEW
from annotator.units.models import GIVEN_UP, AutomaticLabel, DissectedUnit, Dissection, GPUTask, TopImage
from workers import contract
from workers.store import StoreError, open_store

State = GPUTask.State
# Any fixed number. Whoever deletes files shares this lock; a backup holds it alone.
_FILES_LOCK = 7_312_026


class CannotChange(Refusal):
    """The dissection is not in a state for this."""


class StoreSilent(Refusal):
    """The artifact store did not do what was asked; nothing was changed in the database."""


@contextmanager
def keeping_artifacts() -> Iterator[None]:
    """Within this, nobody deletes an artifact. Waits until those who delete one have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_FILES_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_FILES_LOCK])


def _check_may_delete() -> None:
    """Until the end of the caller's transaction, no backup begins. Raises CannotChange."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [_FILES_LOCK])
        if not cursor.fetchone()[0]:
            raise CannotChange("A backup is being written, and needs the files: try again when it is done.")


def _lock(dissection: Dissection) -> Dissection:
    """The row as it is now, until the end of the caller's transaction. Raises CannotChange."""
    locked = Dissection.objects.select_for_update().filter(pk=dissection.pk).first()
    if locked is None:
        raise CannotChange(f"The dissection {dissection.pk} was deleted meanwhile.")
    return locked


def cancel_dissection(dissection: Dissection, *, now: datetime) -> None:
    """Ends an unfinished dissection. What was measured so far is kept: a retry goes on from there."""
    with transaction.atomic():
        locked = _lock(dissection)
        if locked.state not in UNFINISHED:
            raise CannotChange(f"The dissection {locked.pk} is {locked.state}: there is nothing to cancel.")
        _end(locked, now=now)


def _end(dissection: Dissection, *, now: datetime) -> None:
    dissection.state, dissection.error, dissection.finished_at = Dissection.State.CANCELED, "", now
    dissection.save(update_fields=["state", "error", "finished_at"])
    transaction.on_commit(partial(gpu_queue.mark_canceled, dissection.artifact, is_canceled=True))


def retry_dissection(dissection: Dissection, *, is_afresh: bool, now: datetime) -> None:
    """Starts a failed or canceled dissection again, with the shards that are measured, or with none of them.

    Raises CannotChange, StoreSilent.
    """
    with transaction.atomic():
        locked = _lock(dissection)
        if locked.state not in GIVEN_UP:
            raise CannotChange(f"The dissection {locked.pk} is {locked.state}: there is nothing to try again.")
        try:
            if is_afresh:
                _start_afresh(locked)
            else:
                _reopen(locked)
        except (StoreError, OSError) as error:
            raise StoreSilent(f"Not started again: {error}") from error
        locked.state, locked.error, locked.finished_at = Dissection.State.REQUESTED, "", None
        locked.save(update_fields=["state", "error", "finished_at", "artifact_name", "options"])
        # Before the tasks are sent: both happen after commit, in this order.
        transaction.on_commit(partial(gpu_queue.mark_canceled, locked.artifact, is_canceled=False))
        transaction.on_commit(partial(_advance, locked, now=now))


def _advance(dissection: Dissection, *, now: datetime) -> None:
    """If the store does not answer now, the sweeper advances it later."""
    try:
        advance_dissection(dissection_id=dissection.pk, now=now)
    except (StoreError, OSError):
        return


def _reopen(dissection: Dissection) -> None:
    """What ended a task is removed; its attempts so far do not count. The results are always put together again: those
    of before may be what could not be taken in.
    """
    store = open_store(dissection.artifact)
    for task in dissection.gpu_tasks.filter(~Q(state=State.DONE) | Q(stage__in=JOINING)):
        store.remove(contract.result_name(task.position))
        task.state, task.error, task.sent_at, task.n_forgiven = State.WAITING, "", None, task.attempts
        task.save(update_fields=["state", "error", "sent_at", "n_forgiven"])


def _start_afresh(dissection: Dissection) -> None:
    """In another folder, which no process of an earlier try writes to; attempts go on from the numbers of before."""
    _check_may_delete()
    _delete_files(dissection)
    n_attempts = max(dissection.gpu_tasks.values_list("attempts", flat=True), default=0)
    dissection.gpu_tasks.all().delete()
    GPUTask.objects.create(
        dissection=dissection, position=0, stage=GPUTask.Stage.SURVEY, attempts=n_attempts, n_forgiven=n_attempts
    )
    dissection.artifact_name = _name_next(dissection)
    dissection.options = {**dissection.options, ANEW: True}


def _name_next(dissection: Dissection) -> str:
    """`.../ID`, then `.../ID.2`, `.../ID.3`."""
    folder, _, name = dissection.artifact_name.rpartition("/")
    number = PurePosixPath(name).suffix.removeprefix(".")
    return f"{folder}/{dissection.pk}.{int(number) + 1 if number.isdecimal() else 2}"


def delete_dissection(dissection: Dissection) -> None:
    """Deletes its rows and its files, and the measurements with random weights that stand beside it alone.

    The caller has made sure that nothing else uses them. Raises CannotChange, StoreSilent.
    """
    with transaction.atomic():
        _check_may_delete()
        locked = _lock(dissection)
        if locked.state in UNFINISHED:
            raise CannotChange(f"The dissection {locked.pk} is {locked.state}: cancel it first.")
        if locked.is_baseline and Dissection.objects.filter(random_baselines__measured_by=locked).exists():
            raise CannotChange(f"The dissection {locked.pk} stands beside another one: delete that one.")
        gone = [locked, *chance.list_own(locked)]
        try:
            for one in gone:
                _delete_rows(one)
        except ProtectedError as error:
            users = ", ".join(sorted({f"{one._meta.verbose_name} {one}" for one in error.protected_objects}))
            raise CannotChange(f"The dissection {locked.pk} is used by the {users}: it is not deleted.") from None
        _check_unused(locked)
        try:
            for one in gone:
                _delete_files(one)
        except (StoreError, OSError) as error:
            raise StoreSilent(f"Not deleted: {error} Delete it again when the store answers.") from error


def _check_unused(dissection: Dissection) -> None:
    """Before the files go: else the database would check at commit. Raises CannotChange."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except IntegrityError:
        raise CannotChange(
            f"The dissection {dissection.pk} is used: meanwhile somebody asked people about its units, or compared "
            "labels with its own. Nothing was deleted."
        ) from None


def _delete_rows(dissection: Dissection) -> None:
    """Table by table: Django would read hundreds of thousands of rows before it deletes them."""
    if dissection.state in UNFINISHED:
        transaction.on_commit(partial(gpu_queue.mark_canceled, dissection.artifact, is_canceled=True))
    TopImage.objects.filter(dissected_unit__dissection=dissection)._raw_delete("default")
    AutomaticLabel.objects.filter(dissection=dissection)._raw_delete("default")
    DissectedUnit.objects.filter(dissection=dissection)._raw_delete("default")
    Dissection.objects.filter(pk=dissection.pk).delete()


def _delete_files(dissection: Dissection) -> None:
    """Files outside this installation's artifact root may be another installation's: they stay."""
    if dissection.artifact.startswith(f"{settings.ARTIFACT_ROOT.rstrip('/')}/"):
        open_store(dissection.artifact).clear()
