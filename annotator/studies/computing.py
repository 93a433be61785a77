"""A study's report for its page: computed by the web queue, kept in Valkey, and shown with its progress until then.

What is kept is worth nothing by itself: without it, the report is computed again. One computation per study runs at a
time; a newer answer makes what is kept old, and it is shown until the newer report is there.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max, Sum

from annotator.crowd.models import COUNTED, Assignment
from annotator.refusals import Refusal
from annotator.studies.models import Study
from annotator.studies.planning import price_study
from annotator.studies.reading import read_study
from annotator.studies.report import describe_study
from workers.valkey import ValkeyAway, asking, send_task

TASK = "studies.compute"
KEPT_SECONDS = 7 * 24 * 3600
# A computation says so often at least that it goes on; one that is silent for longer is asked for again.
SILENT_SECONDS = 120
# Progress is written once in so many resamples.
WRITTEN_EVERY = 20
# What ended by a defect is not tried again at once.
DEFECT_SECONDS = 300
QUEUE_AWAY = "The queue does not answer now, so that newer answers are not counted yet."
DEFECT = "The computation ended by a defect; the log of the web queue holds the details."


@dataclass(frozen=True)
class Shown:
    """`report` None: none is there yet. `is_current`: it counts all answers. `n_done` of `n_total` resamples.

    `n_questions` and `usd`: what all rounds ask, and cost at most; 0 and "" if it is not known yet.
    """

    report: dict[str, Any] | None
    is_current: bool
    n_done: int = 0
    n_total: int = 0
    problem: str = ""
    n_questions: int = 0
    usd: str = ""


def find_report(study: Study) -> Shown:
    """The newest report that is kept; asks the web queue for a newer one if answers came since."""
    try:
        with asking(settings.REDIS_URL):
            return _find(study)
    except ValkeyAway:
        return Shown(None, is_current=False, problem=QUEUE_AWAY)


def compute_report(study: Study) -> None:
    """Computes and keeps the report of the answers that count now."""
    state = _digest(study)

    def note(n_done: int, n_total: int) -> None:
        if n_done % WRITTEN_EVERY == 0:
            with asking(settings.REDIS_URL):
                cache.set(_busy(study), [n_done, n_total], SILENT_SECONDS)

    try:
        record = read_study(study)
        report, price = describe_study(record, progress=note), price_study(record.plan, record.pairs)
    except ValkeyAway:
        raise
    except Refusal as refusal:
        _keep(study, state, problem=str(refusal))
    except Exception:
        _keep(study, state, problem=DEFECT)
        raise
    else:
        _keep(study, state, report=report, n_questions=price.n_questions, usd=str(price.total_usd))


def _find(study: Study) -> Shown:
    kept = cache.get(_kept(study)) or {}
    found = Shown(**kept["shown"]) if kept else Shown(None, is_current=False)
    if kept and kept["state"] == _digest(study):
        return found
    found = replace(found, is_current=False, problem="")
    if cache.add(_busy(study), [0, 0], SILENT_SECONDS) and not send_task(TASK, study.pk, queue="web"):
        cache.delete(_busy(study))
        return replace(found, problem=QUEUE_AWAY)
    n_done, n_total = cache.get(_busy(study)) or [0, 0]
    return replace(found, n_done=n_done, n_total=n_total)


def _keep(study: Study, state: str, *, report: dict[str, Any] | None = None, problem: str = "", **price: Any) -> None:
    shown = Shown(report, is_current=report is not None, problem=problem, **price)
    with asking(settings.REDIS_URL):
        seconds = DEFECT_SECONDS if problem else KEPT_SECONDS
        cache.set(_kept(study), {"state": state, "shown": asdict(shown)}, seconds)
        cache.delete(_busy(study))


def _digest(study: Study) -> str:
    """Of all that the report depends on and that may change."""
    answered = Assignment.objects.filter(hit__campaign__study_round__study=study, state__in=COUNTED, is_left_out=False)
    seen = answered.aggregate(n=Count("pk"), last=Max("pk"), total=Sum("pk"))
    rounds = sorted(study.rounds.values_list("number", "campaign__state"))
    told = [study.sha256, study.dissection.image_set.sha256, rounds, *seen.values()]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _kept(study: Study) -> str:
    return f"study-report-{study.pk}-{study.sha256}"


def _busy(study: Study) -> str:
    return f"study-busy-{study.pk}-{study.sha256}"
