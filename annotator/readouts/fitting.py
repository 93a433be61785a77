"""Has read-outs fitted, goes on with fits that were interrupted, and deletes read-outs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from annotator.evidence import asking
from annotator.evidence.asking import AskedNetwork, CannotAsk
from annotator.evidence.models import Question
from annotator.names import check_name, claim_name
from annotator.readouts.models import Readout
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.sources import resolve_weights
from workers import contract
from workers.engine.readouts.options import Options, ReadoutInvalid
from workers.store import open_store

CANCELED = "The fit was canceled."
# Pooled units that no read-out uses are kept so long, for whoever corrects a fit that was refused.
FEATURES_KEPT_FOR = timedelta(days=1)
_FITTING = Q(state=Readout.State.FITTING)


class CannotFit(Refusal):
    """The read-out cannot be fitted under that name or so; the message says why."""


class NoReadout(Refusal):
    """There is no such read-out."""


def find_readout(name: str) -> Readout:
    """Raises NoReadout."""
    found = Readout.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Readout.objects.values_list("name", flat=True)[:10])
        raise NoReadout(f"There is no read-out {name!r}.{f' There are: {known}.' if known else ''}")
    return found


def begin_fit(
    *, name: str, network: AskedNetwork, task: str, layer: str, options: dict[str, Any], now: datetime,
    by: User | None = None,
) -> Readout:  # fmt: skip
    """A read-out that is being fitted; of the same request that did not come to its end, the same one again.

    `options` are those of Options. Raises CannotFit, NameRefused, NameTaken, CannotRegister.
    """
    try:
        Options.from_json(options).demand_task(task)
    except ReadoutInvalid as error:
        raise CannotFit(str(error)) from None
    check_name(name)
    wanted = Readout(
        name=name, task=task, layer=layer, architecture=network.architecture,
        weights=resolve_weights(network.weights), code_folder=network.code_folder,
        preprocessing=network.preprocessing, options={**options, "asked_layer": layer}, created_at=now, created_by=by,
    )  # fmt: skip
    known = Readout.objects.filter(name=name).first()
    if known is not None:
        if _demand_free(known, wanted):
            return known
        delete_readout(known)
    with claim_name(name):
        asked = {"readout": str(wanted.id), "task": task, "layer": layer, **options}
        question = Question(kind=Question.Kind.LEARN, options=asked, asked_at=now, asked_by=by, is_kept=True)
        wanted.question = asking.ask(question, network, now=now)
        wanted.save()
    return wanted


def _demand_free(known: Readout, wanted: Readout) -> bool:
    """True if the known one is being fitted to the same; False if its name is free again. Raises CannotFit."""
    if known.state == Readout.State.FITTED:
        raise CannotFit(f"There is a read-out {known.name!r} already; choose another name, or delete it.")
    if known.state != Readout.State.FITTING:
        return False
    stated = ("task", "architecture", "weights", "code_folder", "preprocessing", "options")
    if any(getattr(known, one) != getattr(wanted, one) for one in stated):
        raise CannotFit(f"{known.name!r} is being fitted to something else; choose another name, or delete it.")
    return known.question is not None


def take_fit(question: Question, *, now: datetime) -> None:
    """Once a fit's question has its answer or refusal, the read-out has it, too. Safe to repeat."""
    if question.kind != Question.Kind.LEARN or question.state == Question.State.ASKED:
        return
    with transaction.atomic():
        readout = Readout.objects.select_for_update().filter(question=question, state=Readout.State.FITTING).first()
        if readout is None:
            return
        if question.state == Question.State.REFUSED:
            readout.state, readout.refusal = Readout.State.REFUSED, question.refusal
        else:
            readout.state, readout.report, readout.fitted_at = Readout.State.FITTED, question.answer, now
            readout.layer = question.answer["layer"]
        readout.save()


def wait_for_fit(
    readout: Readout, *, clock: Callable[[], datetime], show: Callable[[contract.Progress], object],
    look_after: Callable[[], None],
) -> None:  # fmt: skip
    """Until it is fitted. Raises CannotAsk if it is refused or deleted."""
    question = readout.question
    if question is None:
        raise CannotAsk("The fit was deleted meanwhile. Give the same command again.")
    try:
        asking.wait_for_answer(question, clock=clock, show=show, look_after=look_after)
    finally:
        take_fit(question, now=clock())
    readout.refresh_from_db()


def cancel_fit(readout: Readout, *, now: datetime) -> bool:
    """False if it was not being fitted any more."""
    ended = Readout.objects.filter(id=readout.id, state=Readout.State.FITTING).update(
        state=Readout.State.CANCELED, refusal=CANCELED
    )
    if ended and readout.question is not None:
        Question.objects.filter(id=readout.question.id, state=Question.State.ASKED).update(
            state=Question.State.REFUSED, refusal=CANCELED, answered_at=now
        )
        gpu_queue.mark_canceled(readout.question.folder, is_canceled=True)
        open_store(readout.question.folder).clear()
    readout.refresh_from_db()
    return bool(ended)


def delete_readout(readout: Readout) -> None:
    """With its files, its fit, and pooled units that no other read-out was fitted to. Raises StoreError."""
    if readout.question is not None:
        gpu_queue.mark_canceled(readout.question.folder, is_canceled=True)
        open_store(readout.question.folder).clear()
    open_store(readout.folder).clear()
    keys, question = set(readout.report.get("features", [])), readout.question
    with transaction.atomic():
        readout.delete()
        if question is not None:
            question.delete()
    _forget_features(keys, unless=_FITTING)


def _forget_features(keys: set[str], *, unless: Q) -> None:
    """Those that no read-out was fitted to. A read-out that is `unless` may read any of them, and may come meanwhile:
    the next sweep removes what stays.
    """
    for key in sorted(keys):
        if Readout.objects.filter(unless).exists():
            return
        if key not in _list_used():
            open_store(f"{_find_features()}/{key}").clear()


def forget_unused_features(*, now: datetime) -> None:
    """Pooled units of fits that were canceled or refused, some time after the last one: until then the next fit to the
    same photographs reads them. Raises StoreError.
    """
    ended = Q(question__answered_at__gt=now - FEATURES_KEPT_FOR) & ~Q(state=Readout.State.FITTED)
    if not Readout.objects.filter(_FITTING | ended).exists():
        found = {name.split("/")[0] for name in open_store(_find_features()).names()}
        _forget_features(found, unless=_FITTING | ended)


def _list_used() -> set[str]:
    return {key for report in Readout.objects.values_list("report", flat=True) for key in report.get("features", [])}


def _find_features() -> str:
    return f"{settings.ARTIFACT_ROOT.rstrip('/')}/{contract.FEATURES}"
