"""Studies of descriptions: the list, and one study with its results and error against cost while answers come in."""

import io
import zipfile
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step, list_offered
from annotator.dashboard.frame.figure_files import name_download
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.studies.planning import list_plans
from annotator.names import to_file_name
from annotator.program import name_command
from annotator.studies.computing import Shown, find_report
from annotator.studies.models import ENDED, Study
from annotator.studies.reading import read_study
from annotator.studies.writing import describe_tables, make_files, tell_frozen
from annotator.work.models import Job
from annotator.work.performing import UnderWay
from annotator.work.table import STEPS

# A ZIP is built in memory.
MAX_RATINGS = 100_000
# While a report is computed, its progress is asked for; while answers come in, whether there is a newer one.
COMPUTING_SECONDS, ANSWERING_SECONDS = 2, 30


@needs(Role.VIEWER)
def show_studies(request: SignedInRequest) -> HttpResponse:
    """All studies, the newest first."""
    studies = Study.objects.select_related("dissection__network", "dissection__image_set").annotate(
        n_pairs=Count("pairs", distinct=True), n_rounds=Count("rounds", distinct=True)
    )
    newest = studies.order_by("-planned_at")
    return show(request, "dashboard/studies/studies.html", title="Studies", studies=newest, **list_plans())


@needs(Role.VIEWER)
def show_study(request: SignedInRequest, name: str) -> HttpResponse:
    """One study: its plan, its rounds, its methods, and what was known after which cost."""
    study = _find(name)
    return show(request, "dashboard/studies/study.html", title=f"Study {study}", **_describe(request, study))


@needs(Role.VIEWER)
def show_study_results(request: SignedInRequest, name: str) -> HttpResponse:
    """The part of a study's page that changes with each answer."""
    return show_part(request, "dashboard/studies/results.html", _describe(request, _find(name)))


@needs(Role.VIEWER)
def send_study_report(request: SignedInRequest, name: str) -> HttpResponseBase:
    """Everything that `study report` writes, as a ZIP."""
    study = _find(name)
    found = find_report(study)
    if found.report is None or not found.is_current:
        return show_refusal(request, "The answers are being counted: try again in a moment.", status=409)
    if found.report["n_ratings"] > MAX_RATINGS:
        words = f"{name} has more than {MAX_RATINGS} ratings. Use {name_command(f'study report {name} --out DIR')}."
        return show_refusal(request, words, status=422)
    record = read_study(study)
    if len(record.ratings) != found.report["n_ratings"]:
        return show_refusal(request, "An answer has just come in: try again in a moment.", status=409)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in make_files(record, found.report).items():
            archive.writestr(f"{to_file_name(name)}/{file}", text)
    headers = {"Content-Disposition": name_download(f"{name}-study.zip"), "Cache-Control": "no-store"}
    return HttpResponse(packed.getvalue(), "application/zip", headers=headers)


@require_POST
@needs(Role.RESEARCHER)
def start_study_step(request: SignedInRequest, name: str, kind: str) -> HttpResponse:
    """One step of the table of steps about this study, by its name; see docs/commands.md."""
    study, step = _find(name), STEPS.get(kind)
    if step is None or step.subject != "study":
        return show_refusal(request, f"There is no work named {kind[:40]!r}.", status=404)
    try:
        job = ask_step(request, step, study)
    except UnderWay as under_way:
        messages.info(request, str(under_way))
    else:
        if step.is_quick:
            messages.success(request, job.sentence)
    return redirect("study", name) if Study.objects.filter(name=name).exists() else redirect("studies")


def _find(name: str) -> Study:
    return get_object_or_404(Study.objects.select_related("dissection__image_set"), name=name)


def _describe(request: SignedInRequest, study: Study) -> dict[str, Any]:
    job, offered = Job.objects.filter(step="ask-round", subject_key=str(study.pk)).first(), list_offered(request, study)
    rounds, found = list(study.rounds.select_related("campaign").order_by("number")), find_report(study)
    told = describe_tables(found.report) if found.report else {"lines": list(tell_frozen(study.plan))}
    is_going = any(one.campaign.state not in ENDED for one in rounds)
    is_computing = not found.is_current and not found.problem
    return told | {
        "study": study,
        "rounds": rounds,
        "found": found,
        "job": job,
        "steps": [] if job and job.is_active else offered.now,
        "last_steps": offered.last,
        "progress": _describe_progress(found) if is_computing else None,
        "seconds": COMPUTING_SECONDS
        if is_computing or (job and job.is_active)
        else ANSWERING_SECONDS
        if is_going or found.problem
        else 0,
    }


def _describe_progress(found: Shown) -> dict[str, Any]:
    """As the meter of the frame shows it."""
    return {
        "stage": "Counting answers",
        "n_done": found.n_done,
        "n_total": found.n_total,
        "share": found.n_done / max(1, found.n_total),
    }
