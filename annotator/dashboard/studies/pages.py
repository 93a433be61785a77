"""Studies of descriptions: the list, and one study with its results and error against cost while answers come in."""

from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.studies.computing import Shown, find_report
from annotator.studies.models import ENDED, Study
from annotator.studies.writing import describe_tables, tell_frozen

# While a report is computed, its progress is asked for; while answers come in, whether there is a newer one.
COMPUTING_SECONDS, ANSWERING_SECONDS = 2, 30


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
    rounds, found = list(study.rounds.select_related("campaign").order_by("number")), find_report(study)
    told = describe_tables(found.report) if found.report else {"lines": list(tell_frozen(study.plan))}
    is_going = any(one.campaign.state not in ENDED for one in rounds)
    is_computing = not found.is_current and not found.problem
    return told | {
        "study": study,
        "rounds": rounds,
        "found": found,
        "progress": _describe_progress(found) if is_computing else None,
        "seconds": COMPUTING_SECONDS if is_computing else ANSWERING_SECONDS if is_going or found.problem else 0,
    }


def _describe_progress(found: Shown) -> dict[str, Any]:
    """As the meter of the frame shows it."""
    return {
        "stage": "Counting answers",
        "n_done": found.n_done,
        "n_total": found.n_total,
        "share": found.n_done / max(1, found.n_total),
    }
