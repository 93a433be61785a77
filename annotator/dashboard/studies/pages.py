"""Studies of descriptions: the list, and one study with its results and error against cost while answers come in."""

import contextlib
import hashlib
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.crowd.models import COUNTED, Assignment
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.studies.models import Study
from annotator.studies.reading import read_study
from annotator.studies.report import describe_study
from annotator.studies.writing import describe_tables
from workers.valkey import ValkeyAway, asking

# Intervals of a large study take seconds; between answers they stay as they are.
KEPT_SECONDS = 3600


@needs(Role.VIEWER)
def show_studies(request: SignedInRequest) -> HttpResponse:
    """All studies, the newest first."""
    studies = Study.objects.select_related("dissection__network", "dissection__image_set").annotate(
        n_pairs=Count("pairs", distinct=True), n_rounds=Count("rounds", distinct=True)
    )
    return show(request, "dashboard/studies/studies.html", title="Studies", studies=studies.order_by("-planned_at"))


@needs(Role.VIEWER)
def show_study(request: SignedInRequest, name: str) -> HttpResponse:
    """One study: its plan, its rounds, its methods, and what was known after which cost."""
    study = _find(name)
    return show(request, "dashboard/studies/study.html", title=f"Study {study}", **_describe(study))


@needs(Role.VIEWER)
def show_study_results(request: SignedInRequest, name: str) -> HttpResponse:
    """The part of a study's page that changes with each answer."""
    return show_part(request, "dashboard/studies/results.html", _describe(_find(name)))


def _find(name: str) -> Study:
    return get_object_or_404(Study.objects.select_related("dissection__image_set"), name=name)


def _describe(study: Study) -> dict[str, Any]:
    rounds = list(study.rounds.select_related("campaign").order_by("number"))
    answered = Assignment.objects.filter(hit__campaign__study_round__study=study, state__in=COUNTED, is_left_out=False)
    seen = answered.aggregate(n=Count("pk"), last=Max("pk"))
    state = f"{study.sha256} {study.dissection.image_set.sha256} {len(rounds)} {seen['n']} {seen['last']}"
    report = _read_report(study, key=f"study-{hashlib.sha256(state.encode()).hexdigest()}")
    return describe_tables(report) | {"study": study, "rounds": rounds, "is_going": len(rounds) > 0}


def _read_report(study: Study, *, key: str) -> dict[str, Any]:
    """Kept in Valkey under the key; computed again if Valkey does not answer."""
    with contextlib.suppress(ValkeyAway), asking(settings.REDIS_URL):
        kept: dict[str, Any] | None = cache.get(key)
        if kept is not None:
            return kept
    report = describe_study(read_study(study))
    with contextlib.suppress(ValkeyAway), asking(settings.REDIS_URL):
        cache.set(key, report, KEPT_SECONDS)
    return report
