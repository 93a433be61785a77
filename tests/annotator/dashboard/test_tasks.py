"""What the buttons send has a task of that name, and a task's last word says how it ended."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotator.crowd.models import Assignment
from annotator.dashboard.campaigns import answers
from annotator.dashboard.campaigns import offered as campaign_steps
from annotator.labels.models import UnitLabel
from annotator.work import tasks
from annotator.work.jobs import SILENT_SECONDS, Job, note_job, read_jobs
from annotator.work.steps import OF_CAMPAIGN, OF_ONE
from annotator.work.table import SENTENCES, WORK
from tests.annotator.dashboard.making import World


def last(kind: str) -> Job:
    return next(job for job in read_jobs(campaign="try", now=timezone.now()) if job.kind == kind)


def test_every_button_has_its_act_its_role_and_its_sentence() -> None:
    assert OF_CAMPAIGN.keys() == WORK.keys()
    assert OF_ONE.keys() == {"ask-more", *answers.QUEUED.values()}
    offered = {step.kind for step in [*campaign_steps.OF_MARKETPLACE, campaign_steps.ADAPTIVE]}
    assert offered == OF_CAMPAIGN.keys() - {"publish"} == SENTENCES.keys()


def test_work_done_says_what_was_done(world: World) -> None:
    tasks.work("try", "label", "eve")
    assert (last("label").state, last("label").words) == ("done", "5 units labeled from 15 answers")
    tasks.work("try", "compare", "eve")
    assert (last("compare").state, last("compare").words) == ("done", "5 units compared")


def test_what_cannot_be_done_is_told_in_its_own_words(world: World) -> None:
    UnitLabel.objects.all().delete()
    Assignment.objects.all().delete()
    tasks.work("try", "label", "eve")
    assert (last("label").state, last("label").words) == ("failed", "Campaign try has no answers yet.")


def test_a_defect_is_told_as_one_and_raised(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(OF_CAMPAIGN, "label", break_down)
    with pytest.raises(ZeroDivisionError):
        tasks.work("try", "label", "eve")
    assert last("label").state == "failed"
    assert "defect" in last("label").words


def test_an_open_page_is_loaded_again_when_work_has_ended(world: World, viewer: Client) -> None:
    page = viewer.get("/campaigns/try/").content.decode()
    (polled,) = re.findall(r'hx-get="([^"]*/progress[^"]*)"', page)
    for state, is_reloaded in (("waiting", False), ("running", False), ("done", True)):
        note_job(campaign="try", kind="label", state=state, words="", now=timezone.now())
        assert ("HX-Refresh" in viewer.get(polled)) == is_reloaded, state


def test_work_that_falls_silent_counts_as_lost(world: World) -> None:
    now = timezone.now()
    note_job(campaign="try", kind="collect", state="running", words="", now=now)
    assert last("collect").is_active
    later = now + timedelta(seconds=SILENT_SECONDS + 1)
    (job,) = read_jobs(campaign="try", now=later)
    assert (job.state, job.is_active) == ("lost", False)
