"""What can be done with a dissection, on its page and by command: cancel, try again, delete."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from pytest_django import Settings

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.models import Campaign
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.units.models import Dissection, GPUTask, ImageSet
from annotator.work.models import Job
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import World, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)


@pytest.fixture
def unfinished(world: World) -> Dissection:
    one = Dissection.objects.create(
        network=world.dissection.network, image_set=world.dissection.image_set, layer_paths=["features.3"],
        state="running", artifact_name=f"{world.dissection.artifact}-2", created_at=NOW,
    )  # fmt: skip
    GPUTask.objects.create(dissection=one, position=0, stage=GPUTask.Stage.SURVEY)
    return one


def press(client: Any, one: Dissection, step: str, **fields: str) -> Any:
    return client.post(reverse("dissection-work", args=[one.pk, step]), fields, follow=True)


def test_the_page_offers_what_can_be_done_now(unfinished: Dissection, world: World) -> None:
    client, page = sign_in(Role.RESEARCHER), reverse("dissection", args=[unfinished.pk])
    said = client.get(page).content.decode()
    assert "/work/cancel-dissection/" in said
    assert "/work/retry-dissection/" not in said
    assert "/work/delete-dissection/" not in said
    assert "Canceled." in press(client, unfinished, "cancel-dissection").content.decode()
    said = client.get(page).content.decode()
    assert "/work/cancel-dissection/" not in said
    assert "/work/retry-dissection/" in said
    assert "/work/delete-dissection/" in said
    said = client.get(reverse("dissection", args=[world.dissection.pk])).content.decode()
    assert "1 campaign uses its units" in said
    assert "/work/delete-dissection/" not in said
    assert "/work/" not in sign_in(Role.VIEWER).get(page).content.decode()


def test_each_act_is_one_entry_and_a_refused_one_none(unfinished: Dissection, world: World) -> None:
    client = sign_in(Role.RESEARCHER)
    press(client, unfinished, "cancel-dissection")
    press(client, unfinished, "retry-dissection", afresh="on")
    refused = press(client, unfinished, "delete-dissection", yes="on")
    assert refused.status_code == 422
    assert b"cancel it first" in refused.content
    press(client, unfinished, "cancel-dissection")
    alone = ImageSet.objects.create(name="alone", address="/alone", registered_at=NOW)
    Dissection.objects.filter(pk=unfinished.pk).update(image_set=alone)
    Question.objects.create(
        kind=Question.Kind.LOOK, architecture=unfinished.network.architecture, weights=unfinished.network.weights,
        preprocessing=unfinished.network.preprocessing, options={"images": "/alone", "labels": ""}, asked_at=NOW,
    )  # fmt: skip
    assert press(client, unfinished, "delete-dissection").status_code == 422, "nobody confirmed it"
    deleted = press(client, unfinished, "delete-dissection", yes="on")
    assert deleted.redirect_chain[-1][0] == reverse("dissections")
    assert not Dissection.objects.filter(pk=unfinished.pk).exists()
    assert not Question.objects.exists(), "what pages of it asked is gone, too"
    in_use = press(client, world.dissection, "delete-dissection", yes="on")
    assert in_use.status_code == 422
    assert b"is used by campaigns: try." in in_use.content
    entries = AuditEntry.objects.order_by("id").values_list("action", "subject", "details__network")
    subject = f"dissection {unfinished.pk}"
    steps = ["cancel-dissection", "retry-dissection", "cancel-dissection", "delete-dissection"]
    assert list(entries) == [(step, subject, "net") for step in steps]
    assert Job.objects.filter(subject_kind="dissection", state="done").count() == len(steps)


def test_a_viewer_may_do_none_of_it(unfinished: Dissection) -> None:
    client = sign_in(Role.VIEWER)
    for step in ("cancel-dissection", "retry-dissection", "delete-dissection"):
        assert press(client, unfinished, step, yes="on").status_code == 403
    assert press(sign_in(Role.RESEARCHER), unfinished, "publish").status_code == 404
    unfinished.refresh_from_db()
    assert unfinished.state == "running"


def call(*words: str) -> str:
    out = StringIO()
    call_command("dissection", *words, stdout=out)
    return out.getvalue()


def test_the_command_does_the_same(unfinished: Dissection, world: World, tmp_path: Path, settings: Settings) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    one = str(unfinished.pk)
    assert f"{one}  running    net on net-set (features.3)" in call("list")
    assert "No campaign uses it." in call(one)
    assert call(one, "cancel").startswith("Canceled.")
    with pytest.raises(CommandError, match=r"The dissection was canceled\. To try again: .* retry"):
        call_command("dissect", resume=one)
    assert f"--resume {one}" in call(one, "retry", "--afresh")
    call(one, "cancel")
    with pytest.raises(CommandError, match="Confirm it: --yes"):
        call(one, "delete")
    assert call(one, "delete", "--yes").startswith("Deleted")
    with pytest.raises(CommandError, match=r"used by campaigns: try\. Delete them first"):
        call(str(world.dissection.pk), "delete", "--yes")
    Campaign.objects.filter(pk=world.campaign.pk).update(name="other")
    assert "Used by campaigns: other." in call(str(world.dissection.pk), "show")
    with pytest.raises(CommandError, match="There is no dissection"):
        call(one)


def test_a_canceled_dissection_is_offered_to_no_campaign(unfinished: Dissection) -> None:
    client = sign_in(Role.RESEARCHER)
    press(client, unfinished, "cancel-dissection")
    assert str(unfinished.pk) not in client.get(reverse("launch")).content.decode()
    with pytest.raises(CommandError, match="canceled"):
        call_command("launch", "new", dissection=[str(unfinished.pk)], yes=True)
