"""launch, collect and campaign from the command line, against the real sandbox; refusals are one sentence, status 2."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotator.accounts.models import AuditEntry
from annotator.crowd.campaigns.telling import make_key
from annotator.crowd.marketplaces.mturk import client
from annotator.crowd.models import Assignment, Campaign, HITUnit, Notice
from annotator.sandbox.models import HIT as SandboxHIT

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


def refused(*arguments: str, **options: Any) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments, **options)
    assert error.value.returncode == 2
    assert "\n" not in str(error.value)
    return str(error.value)


def test_from_launch_to_closed(market: Any, dissection: Any) -> None:
    asked = {"dissection": [str(dissection.pk)], "top_iou": 2, "random": 1, "assignments": 1, "seed": 5, "yes": True}
    output = run("launch", "demo", tell=["https://example.org/done"], **asked)
    key = make_key(Notice.objects.get())
    assert f"The key of X-Unitscope-Signature, as a text: {key}\nThey are told when the campaign completes." in output
    assert "Quote: 3 HITs x 1 assignment at $0.60: $1.80 rewards + $0.36 fees = $2.16 (cap $2.16)" in output
    assert "Published 3 HITs" in output
    campaign = Campaign.objects.get()
    chosen = HITUnit.objects.filter(hit__campaign=campaign).order_by("id").values_list("unit__index", "chosen_because")
    assert list(chosen)[:2] == [(3, "top IoU"), (2, "top IoU")]
    assert "Published 3 HITs" in run("launch", "demo", **asked)  # again: nothing new
    assert SandboxHIT.objects.count() == 3
    assert "0 of 3 assignments submitted, 0 new" in run("collect", "demo")
    for hit in campaign.hits.all():
        market.work(hit, "ada")
    assert "HITs are still open" in refused("campaign", "demo", "close")
    assert "3 of 3 assignments submitted, 3 new, 3 approved now; complete." in run(
        "collect", "demo", approve=True, follow=True
    )
    assert set(Assignment.objects.values_list("state", flat=True)) == {"approved"}
    shown = run("campaign", "demo")
    assert "3 of 3 assignments submitted; $2.16 of $2.16 committed" in shown
    assert "Nothing needs a person." in shown
    assert "told when it completes: https://example.org/done" in shown
    assert "not told of the campaign" in refused("campaign", "demo", "end-telling", "--target", "ada@example.org")
    assert "not told any more" in run("campaign", "demo", "end-telling", "--target", "https://example.org/done")
    assert not Notice.objects.exists()
    assert run("campaign", "demo", "close") == "Closed.\n"
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["compose", "tell", "quote", "publish", "publish", "collect", "approve", "end-telling", "close"]


def test_following_ends_when_nothing_new_comes(market: Any, dissection: Any) -> None:
    run("launch", "demo", dissection=[str(dissection.pk)], top_iou=1, random=0, yes=True)
    sentence = refused("collect", "demo", follow=True, patience=0.0, every=0.01)
    assert "not complete and nothing new came" in sentence


def test_a_silent_marketplace_leaves_the_campaign_resumable(
    market: Any, dissection: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = settings.SANDBOX_URL
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    monkeypatch.setattr(client, "MAX_ATTEMPTS", 1)
    asked = {"dissection": [str(dissection.pk)], "top_iou": 2, "random": 0, "yes": True}
    sentence = refused("launch", "demo", **asked)
    assert sentence.startswith("The marketplace own at http://127.0.0.1:9 does not answer.")
    assert Campaign.objects.get().problem
    settings.SANDBOX_URL = address
    assert "Published 2 HITs" in run("launch", "demo", **asked)
    assert not Campaign.objects.get().problem


def test_bad_input_is_refused_in_one_sentence_and_nothing_is_written(market: Any, dissection: Any) -> None:
    known = [str(dissection.pk)]
    assert "Name a dissection" in refused("launch", "demo")
    assert "no dissection nonsense" in refused("launch", "demo", dissection=["nonsense"])
    assert "only" in refused("launch", "demo", dissection=known, top_iou=0, random=99)
    assert "no unit features.3:77" in refused("launch", "demo", dissection=known, units=["features.3:77"])
    assert "does not name units" in refused("launch", "demo", dissection=known, units=["features.3"])
    assert "no HIT type" in refused("launch", "demo", dissection=known, top_iou=1, random=0, template="../etc")
    assert "No units" in refused("launch", "demo", dissection=known, top_iou=0, random=0)
    assert not Campaign.objects.exists()
    assert "There is no campaign called demo" in refused("collect", "demo")


def test_real_money_is_refused_without_its_confirmations(market: Any, dissection: Any) -> None:
    asked = {"dissection": [str(dissection.pk)], "top_iou": 1, "random": 0, "yes": True, "marketplace": "mturk"}
    assert "REAL_MONEY_ALLOWED" in refused("launch", "live", **asked)
