"""Two people, or two tabs, act for one campaign at the same moment: nothing is half of one and half of the other."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from annotator.accounts.models import Membership, Role
from annotator.crowd.campaigns import collecting, extending, publishing
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.editing import edit_terms
from annotator.crowd.campaigns.extending import extend_hits, give_time
from annotator.crowd.campaigns.publishing import CannotPublish, close_campaign, pause_campaign, withdraw_campaign
from annotator.crowd.campaigns.quoting import CannotQuote, quote_campaign
from annotator.crowd.judging import approving
from annotator.crowd.judging.approving import approve_assignments, find_due_top_ups
from annotator.crowd.marketplaces.marketplace import Stop
from annotator.crowd.marketplaces.mturk.adapter import MTurkMarketplace
from annotator.crowd.models import Campaign, OutwardAct, Worker
from annotator.crowd.outbox import session
from annotator.crowd.outbox.acts import Decision
from annotator.crowd.outbox.crash_points import Crashed
from annotator.crowd.outbox.performing import CampaignBusy
from annotator.crowd.outbox.recording import record_outcome
from annotator.crowd.pseudonyms import CannotErase, erase_worker
from annotator.refusals import Refusal
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.units.models import Dissection
from annotator.work.models import Job
from annotator.work.performing import perform, run_job
from annotator.work.sending import ask
from annotator.work.steps.changing import ConfirmOptions, EditOptions
from annotator.work.table import STEPS
from tests.annotator.crowd.campaigns.test_collecting import closing
from tests.annotator.crowd.making import make_campaign
from tests.databases import wait_for_lock

pytestmark = pytest.mark.django_db(transaction=True)


_to_come: list[Callable[[], Any]] = []


@pytest.fixture(autouse=True)
def everybody_has_acted() -> Iterator[None]:
    _to_come.clear()
    yield
    assert not _to_come, "nobody acted in between"


def meanwhile(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], Any]) -> None:
    """Somebody else acts once, before this is called for the first time."""
    original = getattr(owner, name)
    _to_come.append(act)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if act in _to_come:
            _to_come.remove(act)
            act()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)


def test_what_is_withdrawn_while_it_is_given_time_stays_withdrawn(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.publish(campaign)
    other = Campaign.objects.get()
    meanwhile(monkeypatch, extending, "check_crops_of_hits", lambda: withdraw_campaign(market.open_session(other)))
    with pytest.raises(CannotPublish, match="all were withdrawn"):
        give_time(market.open_session(campaign), lifetime=timedelta(days=2))
    assert all(hit.expires_at <= market.clock() for hit in SandboxHIT.objects.all())


def test_who_resumes_while_a_campaign_is_withdrawn_publishes_nothing(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setenv("UNITSCOPE_CRASH_AT", "raise:after record:publish")
        with pytest.raises(Crashed):
            market.publish(campaign)
    resume = partial(pause_campaign, campaign=campaign, is_paused=False)
    meanwhile(monkeypatch, publishing, "give_up_asks", resume)
    withdraw_campaign(market.open_session(campaign))
    assert SandboxHIT.objects.count() == 1
    assert set(campaign.hits.values_list("state", flat=True)) == {"canceled"}


def test_terms_that_change_while_they_are_published_are_not_published(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, changes = Campaign.objects.get(), {"reward_usd": campaign.reward_usd - Decimal("0.10")}
    edit = partial(edit_terms, other, changes=changes, now=market.clock())
    meanwhile(monkeypatch, publishing, "check_crops_of_hits", edit)
    with pytest.raises(CannotPublish, match="changed or quoted again after this was asked for"):
        market.publish(campaign)
    assert not SandboxHIT.objects.exists()
    market.publish(Campaign.objects.get())
    assert {hit.hit_type.reward_usd for hit in SandboxHIT.objects.all()} == {changes["reward_usd"]}


def test_a_publication_that_waits_in_the_queue_is_not_of_terms_that_came_later(market: Any, campaign: Campaign) -> None:
    ada = User.objects.create_user("ada")
    Membership.objects.create(user=ada, role=Role.RESEARCHER)
    job = ask(STEPS["publish"], subject=campaign, actor=ada)
    edit_terms(campaign, changes={"reward_usd": Decimal("0.30")}, now=market.clock())
    with pytest.raises(CannotPublish, match="after this was asked for"):
        run_job(job)
    assert not SandboxHIT.objects.exists()


@pytest.mark.parametrize("step", ["edit", "delete"])
def test_who_changes_a_campaign_that_somebody_acts_for_is_told_so(
    market: Any, campaign: Campaign, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quick step waits within its transaction, which holds its refusal, too."""
    monkeypatch.setattr(session, "WAIT_SECONDS", 0)
    options = {"edit": EditOptions(reward=Decimal("0.30")), "delete": ConfirmOptions(yes=True)}[step]
    act = partial(perform, STEPS[step], subject=campaign, actor=None, options=options)
    refused = pytest.raises(CampaignBusy, match="Another process is acting for the campaign")
    with market.open_session(campaign).hold(), ThreadPoolExecutor(1) as pool, refused:
        pool.submit(closing(act)).result()
    assert Job.objects.get().state == "refused"
    act()
    assert Job.objects.latest("id").state == "done"


def test_a_tab_of_before_takes_no_published_campaign_back(market: Any, campaign: Campaign) -> None:
    old = Campaign.objects.get()
    market.publish(campaign)
    with pytest.raises(CannotQuote, match="is published"):
        quote_campaign(campaign=old, now=market.clock())
    assert Campaign.objects.get().state == "published"


def test_a_campaign_is_closed_neither_during_nor_before_what_was_decided(
    market: Any, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "WAIT_SECONDS", 0)
    told: list[str] = []

    def close() -> None:
        try:
            close_campaign(campaign=campaign)
        except Refusal as refusal:
            told.append(str(refusal))

    def close_elsewhere() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(closing(close)).result(timeout=60)

    meanwhile(monkeypatch, MTurkMarketplace, "send", close_elsewhere)
    market.publish(campaign)
    withdraw_campaign(market.open_session(campaign))
    hit = campaign.hits.order_by("id")[0]
    market.open_session(campaign).write(Decision(act=Stop(hit_id=hit.external_id), key="a decision", hit=hit))
    close()
    assert [sentence.partition(" now")[0] for sentence in told] == [
        f"Another process is acting for the campaign {campaign}",
        f"1 decision about {campaign} is not carried out yet: let the campaign go on, or withdraw it.",
    ]
    assert Campaign.objects.get().state != "closed"


def test_what_is_asked_for_while_answers_are_collected_is_collected(
    market: Any, dissection: Dissection, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(dissection, n_assignments=1)
    market.publish(campaign)
    for hit in campaign.hits.all():
        market.work(hit, "ada")
    last, other = campaign.hits.latest("id"), Campaign.objects.get()
    ask_more = partial(extend_hits, market.open_session(other), n_more={last.pk: 2})
    meanwhile(monkeypatch, collecting, "_lock_people", ask_more)
    assert not collect_campaign(market.open_session(campaign)).is_complete
    last.refresh_from_db()
    assert (last.state, last.n_assignments) == ("published", 3)
    assert Campaign.objects.get().state == "collecting"


def test_a_campaign_is_complete_or_asks_for_more_but_not_both(market: Any, campaign: Campaign) -> None:
    """Whoever collects and whoever asks for more wait for one another."""
    market.publish(campaign)
    hits = campaign.hits.all()
    hits.update(state="complete")
    rows = Campaign.objects.filter(pk=campaign.pk)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            rows.select_for_update().get()
            waiting = pool.submit(closing(lambda: collect_campaign(market.open_session(campaign))))
            wait_for_lock(waiting)
            hits.update(state="published")
        waiting.result(timeout=60)
    assert rows.get().state == "published", "nothing was submitted, and something is asked for"
    act = OutwardAct(
        campaign=campaign, verb="extend", hit=hits[0], expected={"max_assignments": 5}, created_at=campaign.created_at
    )
    act.save()
    rows.update(state="collecting")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            rows.select_for_update().get()
            waiting = pool.submit(closing(transaction.atomic(partial(record_outcome, act, external_id=""))))
            wait_for_lock(waiting)
            rows.update(state="complete")
        waiting.result(timeout=60)
    assert rows.get().state == "collecting"


def test_nobody_is_erased_before_their_bonus_is_paid(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    visitor = market.work(hit, "ada", active_seconds=900.0)
    acting = market.open_session(campaign)
    collect_campaign(acting)
    approve_assignments(acting)
    ((assignment, bonus),), _ = find_due_top_ups(campaign)
    act = acting.write(approving._decide_top_up(acting, assignment, bonus=bonus))
    with pytest.raises(CannotErase, match="A bonus that was decided"):
        erase_worker(marketplace="own", worker_id=visitor.worker_id)
    # By somebody who had looked before the bonus was decided.
    Worker.objects.update(external_id=None)
    before = Campaign.objects.get().committed_usd
    with acting.hold():
        acting.settle()
    act.refresh_from_db()
    assert (act.state, act.attempts) == ("failed", 0)
    assert act.problem == "The person was erased, so that nobody can be paid."
    assert Campaign.objects.get().committed_usd == before - act.cost_usd
