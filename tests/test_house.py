"""The five seams of the house: a member that only tests have is one folder or file, and one line."""

import csv
import io
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.test import Client
from numpy.random import default_rng
from playwright.sync_api import expect

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types import table as hit_types
from annotator.crowd.hit_types.hit_type import Sight
from annotator.crowd.hit_types.templates import find_hit_type
from annotator.crowd.judging.approving import approve_assignments
from annotator.crowd.judging.rejecting import overturn_rejection
from annotator.crowd.marketplaces import table as marketplaces
from annotator.crowd.marketplaces.outcomes import BadTerms, CannotDo
from annotator.crowd.models import HIT, Answer, Campaign, OutwardAct, Rejection, Worker
from annotator.units.models import Dissection, TopImage
from annotator.work import tasks
from annotator.work.models import Job
from annotator.work.table import STEPS
from tests.annotator.crowd.fixtures import Market, dissection, market
from tests.annotator.crowd.making import make_campaign
from tests.annotator.dashboard.making import World, make_world, sign_in
from tests.hit_templates.conftest import Open, open_page, page_address, start_page
from tests.house import listed_images
from tests.house.at_the_bazaar import CRASHES, PHASES, Story, pay_for_lost_work
from tests.house.bazaar import COUNTER, Counter
from tests.house.dissecting import dissect
from tests.house.mean_activation.arrays import Means
from tests.house.tidying import TIDY
from tests.workers.engine import making
from tests.workers.engine.options import check_artifact
from workers.engine.format.artifact import read_artifact
from workers.engine.images.readers import table as readers
from workers.engine.measures import table as measures
from workers.engine.measures.recorded import from_arrays
from workers.store import open_store

__all__ = ["dissection", "market", "open_page", "start_page"]


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The arguments of each message that was sent to the web queue. The step's one line is here."""
    monkeypatch.setitem(STEPS, TIDY.name, TIDY)
    kept: list[list[Any]] = []
    monkeypatch.setattr("workers.app.app.send_task", lambda name, args, queue: kept.append(args))
    return kept


def tell_word() -> str:
    return Campaign.objects.get(name="try").contact


def press(client: Client, **values: str) -> int:
    return client.post("/campaigns/try/work/tidy/", values).status_code


def test_a_step_is_a_command(world: World, sent: list[list[Any]]) -> None:
    told = io.StringIO()
    call_command("campaign", "try", "tidy", "--word", "neat", stdout=told)
    assert told.getvalue() == "The campaign is neat now.\n"
    assert tell_word() == "neat"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name, entry.details["word"]) == ("tidy", "command", "neat")
    with pytest.raises(CommandError, match="neat already") as refused:
        call_command("campaign", "try", "tidy", "--word", "neat")
    assert refused.value.returncode == 2
    assert [job.state for job in Job.objects.order_by("id")] == ["done", "refused"]


def test_a_step_is_a_button_and_a_job_of_the_queue(world: World, sent: list[list[Any]]) -> None:
    reviewer = sign_in(Role.REVIEWER)
    page = reviewer.get("/campaigns/try/").content.decode()
    assert TIDY.title in page
    assert TIDY.sentence in page
    assert press(reviewer, word="swept") == 302
    assert press(reviewer, word="swept") == 302  # under way already
    assert Job.objects.get().state == "waiting"
    assert tell_word() == ""
    for arguments in sent:  # the message was doubled
        tasks.run(*arguments)
    assert tell_word() == "swept"
    assert "The campaign is swept now." in reviewer.get("/campaigns/try/").content.decode()
    assert AuditEntry.objects.get().actor_name == "reviewer"


def test_a_step_is_refused_for_the_wrong_role(world: World, sent: list[list[Any]]) -> None:
    researcher = sign_in(Role.RESEARCHER)
    assert TIDY.title not in researcher.get("/campaigns/try/").content.decode()
    assert press(researcher) == 403
    assert (sent, tell_word(), AuditEntry.objects.count()) == ([], "", 0)


def test_a_step_that_spends_is_refused_for_real_money_without_a_permit(
    world: World, sent: list[list[Any]], settings: Any
) -> None:
    Campaign.objects.update(marketplace="mturk")
    settings.REAL_MONEY_ALLOWED = True
    reviewer, payer = sign_in(Role.REVIEWER), sign_in(Role.PAYER)
    confirmed = {"real_money": "on", "typed_name": "try"}
    assert press(reviewer, **confirmed) == 403  # play money takes a reviewer, real money a payer
    assert press(payer) == 403
    assert press(payer, **confirmed | {"typed_name": "tri"}) == 403
    with pytest.raises(CommandError, match="add --real-money"):
        call_command("campaign", "try", "tidy")
    assert (sent, tell_word(), AuditEntry.objects.count()) == ([], "", 0)
    assert press(payer, **confirmed) == 302
    tasks.run(*sent[0])
    assert tell_word() == "tidy"
    assert Job.objects.get().permit_given_by == "payer"


@pytest.fixture
def stored(tmp_path: Path, settings: Any) -> Path:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_a_measure_is_computed_stored_ingested_and_shown(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making.make_broden(stored / "set", rng=default_rng(3), n_images=12)
    before = dissect(stored / "set", monkeypatch)
    monkeypatch.setattr(measures, "MEASURES", [*measures.MEASURES, "tests.house.mean_activation"])
    plain, scaled = (dissect(stored / "set", monkeypatch, **way) for way in ({}, {"mean_scale": 10.0}))
    found = {}
    for done in (plain, scaled):
        artifact = read_artifact(open_store(done.artifact).read)
        check_artifact(artifact)
        found[done.id] = from_arrays(Means, artifact.layer(0)).mean_activation  # type: ignore[union-attr]
        assert ("mean_scale" in artifact.manifest["options"]) == (done == scaled), "not stated at its default"
    np.testing.assert_allclose(found[scaled.id], 10 * found[plain.id])
    kept = plain.dissected_units.order_by("unit__index").values_list("values", flat=True)
    assert [values["mean_activation"] for values in kept] == found[plain.id].tolist()
    assert before.dissected_units.first().values == {}
    told = io.StringIO()
    call_command("report", "--dissection", str(plain.id), "--format", "csv", stdout=told)
    rows = list(csv.DictReader(told.getvalue().splitlines()))
    assert [float(row["mean_activation"]) for row in rows] == found[plain.id].tolist()
    shown = io.StringIO()
    call_command("report", "--dissection", str(plain.id), stdout=shown)
    assert "mean_activation" in shown.getvalue()
    assert f"{found[plain.id][0]:.4g}" in shown.getvalue()
    assert "--mean-scale" in call_command_help("dissect")


def call_command_help(name: str) -> str:
    return load_command_class("annotator.units", name).create_parser("manage.py", name).format_help()


@pytest.mark.django_db(transaction=True)
def test_an_image_set_of_a_layout_of_its_own_is_dissected(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making.make_broden(stored / "set", rng=default_rng(3), n_images=12)
    folder = stored / "set" / "images"
    names = [f"{i:03}.png" for i in range(2, 9)]
    (folder / "images.txt").write_text("\n".join(names))
    monkeypatch.setattr(readers, "READERS", [listed_images.READER, *readers.READERS])
    dissection = dissect(folder, monkeypatch)
    assert dissection.state == "done", dissection.error
    assert list(dissection.image_set.images.order_by("index").values_list("path", flat=True)) == names
    assert not dissection.image_set.has_labels
    shown = TopImage.objects.filter(dissected_unit__dissection=dissection).values_list("image__path", flat=True)
    assert set(shown) <= set(names)
    assert len(set(shown)) > 3


@pytest.fixture
def pair_choice(market: Market, dissection: Dissection, live_server: Any, settings: Any, monkeypatch: Any) -> Campaign:
    """A campaign of two HITs over four units, published. The HIT type's one line is here."""
    monkeypatch.setitem(hit_types.TABLE, "pair_choice", "tests.house.pair_choice")
    settings.HIT_PAGES_URL = live_server.url
    phrases = dict.fromkeys(dissection.dissected_units.values_list("unit_id", flat=True), "red car")
    campaign = make_campaign(dissection, template="pair_choice", phrases=phrases)
    market.publish(campaign)
    return campaign


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_hit_type_is_composed_published_answered_collected_and_shown(
    pair_choice: Campaign, market: Market, live_server: Any, start_page: Open, tmp_path: Path
) -> None:
    first, second = pair_choice.hits.order_by("id")
    assert [row.unit.index for row in first.hit_units.order_by("position")] == [0, 1]
    page = start_page(page_address(live_server, market.accept(first, "ada")))
    expect(page.locator("#question")).to_contain_text("red car")
    drawn = page.locator(".crop").evaluate_all("crops => crops.map((crop) => crop.style.backgroundImage)")
    assert [drawn.count(one) for one in dict.fromkeys(drawn)] == [20, 2, 20, 2], "each unit has sheets of its own"
    page.click("button[value=right]")
    page.wait_for_url(re.compile("externalSubmit"))
    seen = Sight("", SemanticCategory.OBJECT, (), 0.8, 1.0)
    market.work(second, "bob", **find_hit_type("pair_choice").simulate([seen, replace(seen, share_fitting=0.1)]))
    collected = collect_campaign(market.open_session(pair_choice))
    assert (collected.n_new, collected.n_unreadable) == (2, 0)
    approve_assignments(market.open_session(pair_choice))

    assert [row.metrics for row in Answer.objects.order_by("hit_unit")] == [
        {"chosen": 0}, {"chosen": 1}, {"chosen": 1}, {"chosen": 0},
    ]  # fmt: skip
    viewer = sign_in(Role.VIEWER)
    pages = [viewer.get(f"/units/net/features.3/{index}/").content.decode() for index in (0, 1)]
    assert all("the right group" in page for page in pages)
    assert ["chosen over the other" in page for page in pages] == [False, True]
    assert viewer.get("/campaigns/try/answers/").content.decode().count("red car") == 2
    (record,) = viewer.get("/api/units/net/features.3/1").json()["answers"]
    assert (record["hit_type"], record["says"], record["metrics"]) == (
        "pair_choice",
        {"phrase": "red car"},
        {"chosen": 1},
    )
    assert record["description"] is record["precision"] is None
    call_command("export", "try", out=tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "metrics.csv").read_text().splitlines()))
    assert [(row["index"], row["phrase"], float(row["chosen"])) for row in rows] == [
        ("0", "red car", 0), ("1", "red car", 1), ("2", "red car", 1), ("3", "red car", 0),
    ]  # fmt: skip
    with pytest.raises(CommandError, match="no answers"):
        call_command("label", "try")


@pytest.mark.django_db(transaction=True)
def test_who_answers_yes_or_no_is_no_judge_of_the_crops(market: Market, dissection: Dissection) -> None:
    phrases = dict.fromkeys(dissection.dissected_units.values_list("unit_id", flat=True), "red car")
    described = make_campaign(dissection, name="described")
    verified = make_campaign(dissection, name="verified", template="verify_label", phrases=phrases)
    for campaign, name, said in ((described, "ada", {}), (verified, "bob", {"verdict": "no"})):
        market.publish(campaign)
        market.work(campaign.hits.earliest("id"), name, **said)
        collect_campaign(market.open_session(campaign))
    page = sign_in(Role.VIEWER).get("/units/net/features.3/0/").content.decode()
    assert "does not fit most crops" in page
    assert "(no words)" not in page
    assert "of 1 person says it does not fit" in page
    assert "of 2 people" not in page


@pytest.fixture
def bazaar(dissection: Dissection, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign of four HITs at the bazaar, quoted. The marketplace's one line is here."""
    monkeypatch.setitem(marketplaces.MARKETPLACES, "bazaar", "tests.house.bazaar.open_bazaar")
    vars(COUNTER).update(vars(Counter()))
    return make_campaign(dissection, marketplace="bazaar", n_assignments=2)


def check_books() -> None:
    """Nothing is there twice, and the bazaar holds what the campaign asked for and paid."""
    assert len(COUNTER.done) == len(set(COUNTER.done))
    assert [COUNTER.places[hit.external_id] for hit in HIT.objects.order_by("id")] == [3, 2, 2, 2]
    assert len(COUNTER.places) == 5, "four HITs and the one that compensates"
    assert {ticket: row["state"] for ticket, row in COUNTER.tickets.items()} == {
        "T0": "rejected", "T1": "approved", "T2": "approved", "T9": "approved",
    }  # fmt: skip
    assert len(COUNTER.paid) == len(set(COUNTER.paid))
    assert set(HIT.objects.values_list("state", flat=True)) == {"canceled"}
    assert COUNTER.stopped == {hit.external_id for hit in HIT.objects.all()}


@pytest.mark.django_db(transaction=True)
def test_a_marketplace_carries_a_whole_campaign(bazaar: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(bazaar, monkeypatch)
    story.live()
    assert pay_for_lost_work(story.open()) == 1
    check_books()
    assert COUNTER.paid == [("puppet-1", "2.50"), ("puppet-2", "2.50")]
    assert not OutwardAct.objects.exclude(state="done").exists()
    assert list(Worker.objects.order_by("external_id").values_list("is_simulated", flat=True)) == [
        False, True, True, True,
    ]  # fmt: skip
    rejection = Rejection.objects.get()
    with pytest.raises(CannotDo, match="no act overturn"):
        overturn_rejection(story.open(), rejection=rejection, overturned_by="cyd", feedback="Our mistake.")
    with pytest.raises(BadTerms, match="least reward"):
        make_campaign(Dissection.objects.get(), name="low", marketplace="bazaar", reward_usd=Decimal("0.09"))
    page = sign_in(Role.RESEARCHER).get(f"/campaigns/{bazaar.name}/").content.decode()
    assert "the bazaar · play money" in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("manner", CRASHES)
def test_no_crash_at_a_marketplace_of_other_rules_does_anything_twice(
    bazaar: Campaign, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    story = Story(bazaar, monkeypatch, manner=manner)
    n_points = len(CRASHES[manner]) * sum(len(verbs) for _, verbs in PHASES)
    assert story.live() >= n_points - 2  # once both bonuses wait for a person, there is none to die at
    assert pay_for_lost_work(story.open()) == 1
    check_books()
    unsettled = OutwardAct.objects.exclude(state="done")
    assert set(unsettled.values_list("verb", "state")) == {("pay_bonus", "needs_human")}
