"""A study's report for its page: computed by the web queue, kept in Valkey, and shown with its progress until then.

What is kept is worth nothing by itself: without it, the report is computed again. One computation per study runs at a
time; a newer answer makes what is kept old, and it is shown until the newer report is there.
"""

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

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
# Goes up with each change to what a report or Shown holds: what an older program kept is then computed again.
FORMAT = 2
KEPT_SECONDS = 7 * 24 * 3600
# A computation says so often at least that it goes on; one that is silent for longer is asked for again.
SILENT_SECONDS = 120
# Progress is written once in so many resamples, and after so many seconds at the latest.
WRITTEN_EVERY = 20
WRITTEN_SECONDS = 10
# What ended by a defect is not tried again at once.
DEFECT_SECONDS = 300
QUEUE_AWAY = "The queue does not answer now, so that newer answers are not counted yet."
DEFECT = "The computation ended by a defect; the log of the web queue holds the details."

# What Valkey keeps of a study: its last report, why the last computation gave none, how far one is, and which it is.
REPORT, PROBLEM, BUSY, OWNER = "report", "problem", "busy", "owner"


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
    """Computes and keeps the report of the answers that count now, unless it is kept or another one is computed."""
    run = _begin(study)
    if run is None:
        return
    try:
        record = read_study(study)
        run.note()
        report = describe_study(record, progress=run.note)
        price = price_study(record.plan, record.pairs)
    except ValkeyAway:
        raise
    except Refusal as refusal:
        run.end(PROBLEM, {"problem": str(refusal)}, DEFECT_SECONDS)
    except Exception:
        run.end(PROBLEM, {"problem": DEFECT}, DEFECT_SECONDS)
        raise
    else:
        kept = {"report": report, "n_questions": price.n_questions, "usd": str(price.total_usd)}
        run.end(REPORT, kept, KEPT_SECONDS)


def _find(study: Study) -> Shown:
    state, kept = _digest(study), _read(study, REPORT)
    is_current = kept.pop("state", None) == state
    found = Shown(**kept, is_current=is_current) if kept else Shown(None, is_current=False)
    if is_current:
        return found
    failed = _read(study, PROBLEM)
    if failed.get("state") == state:
        return replace(found, problem=failed["problem"])
    busy = _name_key(study, BUSY)
    if cache.add(busy, [0, 0], SILENT_SECONDS) and not send_task(TASK, study.pk, queue="web"):
        cache.delete(busy)
        return replace(found, problem=QUEUE_AWAY)
    n_done, n_total = cache.get(busy) or [0, 0]
    return replace(found, n_done=n_done, n_total=n_total)


@dataclass
class _Run:
    """One computation. `known`: the state of the report that was kept when it began, None without one."""

    study: Study
    state: str
    known: str | None
    name: str
    written_at: float = 0.0

    def note(self, n_done: int = 0, n_total: int = 0) -> None:
        """It goes on. Raises ValkeyAway."""
        if n_done % WRITTEN_EVERY and time.monotonic() < self.written_at + WRITTEN_SECONDS:
            return
        self.written_at = time.monotonic()
        with asking(settings.REDIS_URL):
            if self._owns():
                cache.touch(_name_key(self.study, OWNER), SILENT_SECONDS)
                cache.set(_name_key(self.study, BUSY), [n_done, n_total], SILENT_SECONDS)

    def end(self, what: str, value: dict[str, Any], seconds: int) -> None:
        """Keeps what it found, unless a later computation has taken its place. Raises ValkeyAway."""
        with asking(settings.REDIS_URL):
            if not self._owns():
                return
            if _read(self.study, REPORT).get("state") in (None, self.known):
                cache.set(_name_key(self.study, what), value | {"state": self.state}, seconds)
            cache.delete_many([_name_key(self.study, BUSY), _name_key(self.study, OWNER)])

    def _owns(self) -> bool:
        """Also after a long silence, if no other computation began in it."""
        owner = _name_key(self.study, OWNER)
        return bool(cache.add(owner, self.name, SILENT_SECONDS) or cache.get(owner) == self.name)


def _begin(study: Study) -> _Run | None:
    """None if another computation runs, or if this one would find what is kept. Raises ValkeyAway."""
    name = uuid4().hex
    with asking(settings.REDIS_URL):
        if not cache.add(_name_key(study, OWNER), name, SILENT_SECONDS):
            return None
        state, known = _digest(study), _read(study, REPORT).get("state")
        if state in (known, _read(study, PROBLEM).get("state")):
            cache.delete_many([_name_key(study, BUSY), _name_key(study, OWNER)])
            return None
        run = _Run(study, state, known, name)
        run.note()
    return run


def _digest(study: Study) -> str:
    """Of all that the report depends on and that may change."""
    answered = Assignment.objects.filter(hit__campaign__study_round__study=study, state__in=COUNTED, is_left_out=False)
    seen = answered.aggregate(n=Count("pk"), last=Max("pk"), total=Sum("pk"))
    rounds = sorted(study.rounds.values_list("number", "campaign__state"))
    told = [FORMAT, study.sha256, study.dissection.image_set.sha256, rounds, *seen.values()]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _read(study: Study, what: str) -> dict[str, Any]:
    """A report or a problem, with the state that it is of; {} without one."""
    return dict(cache.get(_name_key(study, what)) or {})


def _name_key(study: Study, what: str) -> str:
    return f"study-{what}-{FORMAT}-{study.pk}-{study.sha256}"
