"""Suspected answers are set aside by labeling itself, visibly; persons overrule it; nobody is paid less."""

import json
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd.judging import excluding
from annotator.crowd.judging.approving import leave_out
from annotator.crowd.judging.suspicions import MIN_HITS_OF_A_WORKER
from annotator.crowd.models import Answer, Assignment, Campaign, HITType, OutwardAct, Worker
from annotator.labels.models import UnitLabel
from annotator.units.models import Layer, Network, Unit
from annotator.work.performing import perform
from annotator.work.table import STEPS
from tests.annotator.crowd.making import NOW, make_answer, make_hit
from tests.annotator.dashboard.making import make_person

pytestmark = pytest.mark.django_db

TOP, PLANTED = list(range(57)), [57, 58, 59]
MARKED = 12


def run(*words: str, **options: Any) -> str:
    written = StringIO()
    call_command(*words, stdout=written, **options)
    return written.getvalue()


def make_campaign(blind: dict[str, int], *, n_units: int = 12) -> Campaign:
    """Ann and Bea look. `blind`: by name, on how many HITs a third person marks nothing at all."""
    network = Network.objects.create(name="net", architecture="imported", registered_at=NOW)
    layer = Layer.objects.create(network=network, path="conv5", n_units=n_units)
    campaign = Campaign.objects.create(name="demo", reward_usd=1, budget_cap_usd=50, seed=1, created_at=NOW)
    hit_type = HITType.objects.create(campaign=campaign)
    names = iter([name for name, n in blind.items() for _ in range(n)])
    workers = {
        name: Worker.objects.create(marketplace="own", external_id=f"A-{name}", pseudonym=name, created_at=NOW)
        for name in ("ann", "bea", *blind)
    }
    for index in range(n_units):
        hit = make_hit(hit_type=hit_type, unit=Unit.objects.create(layer=layer, index=index), seed=index)
        for name in ("ann", "bea", *([third] if (third := next(names, None)) else [])):
            looks = name in ("ann", "bea")
            marked = [*TOP[:MARKED], *PLANTED] if looks else []
            make_answer(
                hit=hit, worker=workers[name], external_id=f"{name}{index}", state="approved",
                shown_ranks=[*TOP, *PLANTED], planted_ranks=PLANTED, marked_ranks=marked,
                description=f"thing number {index}", category="object",
                precision=1 - MARKED / 57 if looks else 1.0,
                n_planted_missed=3 - len(set(marked) & set(PLANTED)),
            )  # fmt: skip
    return campaign


def left_out() -> set[str]:
    return set(Assignment.objects.filter(is_left_out=True).values_list("worker__pseudonym", flat=True))


def test_who_marks_nothing_is_set_aside_without_being_asked_and_is_paid() -> None:
    make_campaign({"spam": 12})
    said = run("label", "demo")
    assert "Set aside on evidence, and paid: 12 answers of 1 person." in said
    assert left_out() == {"spam"}
    assert set(UnitLabel.objects.values_list("precision", "n_answers")) == {(round(1 - MARKED / 57, 12), 2)}
    assert set(Assignment.objects.values_list("state", flat=True)) == {"approved"}
    assert not OutwardAct.objects.exists()


def test_somebody_lenient_who_misses_two_of_three_now_and_then_stays() -> None:
    make_campaign({})
    bea = Answer.objects.filter(assignment__worker__pseudonym="bea")
    bea.filter(hit_unit__unit__index__lt=3).update(n_planted_missed=2)
    run("label", "demo")
    assert left_out() == set()
    bea.update(n_planted_missed=2)
    run("label", "demo")
    assert left_out() == {"bea"}
    bea.filter(hit_unit__unit__index__gte=3).update(n_planted_missed=0)
    run("label", "demo")
    assert left_out() == set(), "the rule decides again from all answers by then"


@pytest.mark.parametrize(("n_hits", "found"), [(MIN_HITS_OF_A_WORKER - 1, set()), (MIN_HITS_OF_A_WORKER, {"few"})])
def test_nobody_is_judged_by_fewer_hits_than_are_stated(n_hits: int, found: set[str]) -> None:
    make_campaign({"few": n_hits})
    run("label", "demo")
    assert left_out() == found


def test_they_can_be_kept_and_this_is_said_everywhere() -> None:
    campaign = make_campaign({"spam": 12})
    said = run("label", "demo", keep_suspected=True)
    assert "Suspected, and counted as asked: 12 answers of 1 person." in said
    assert left_out() == set()
    assert set(UnitLabel.objects.values_list("n_answers", flat=True)) == {3}
    found = json.loads(run("report", "demo", format="json"))["set_aside"]
    assert (found["keeps_suspected"], found["n_answers"], found["n_suspected_and_counted"]) == (True, 0, 12)
    assert "counted, though suspected: 12 by spam" in run("report", "demo")
    campaign.refresh_from_db()
    assert campaign.keeps_suspected
    run("label", "demo")
    assert left_out() == {"spam"}


def test_the_report_says_who_and_why() -> None:
    make_campaign({"spam": 12})
    run("label", "demo")
    found = json.loads(run("report", "demo", format="json"))["set_aside"]
    reason = "The worker left 36 of 36 planted negatives unmarked on 12 HITs; 3 of 3 here."
    assert found["by"] == [
        {"worker": "spam", "decided_by": "the rule", "reason": reason, "is_counted": False, "n_answers": 12}
    ]
    assert f"set aside: 12 by spam: {reason} (decided by the rule)" in run("report", "demo")


def test_a_reviewer_overrules_both_ways_and_it_is_logged() -> None:
    make_campaign({"spam": 12})
    run("label", "demo")
    spam, ann = (Assignment.objects.get(external_id=f"{name}3") for name in ("spam", "ann"))
    perform(STEPS["count-answer"], subject=spam, actor=None)
    options = STEPS["leave-out-answer"].options
    assert options is not None
    perform(STEPS["leave-out-answer"], subject=ann, actor=None, options=options(reason="About another picture."))
    run("label", "demo")
    spam.refresh_from_db()
    ann.refresh_from_db()
    assert (spam.is_left_out, spam.count_decided_by) == (False, "command")
    assert (ann.is_left_out, ann.left_out_reason) == (True, "About another picture.")
    logged = AuditEntry.objects.filter(action__in=["count-answer", "leave-out-answer"])
    assert len(logged) == 2
    assert "planted negatives unmarked" in logged.get(action="count-answer").details["had been left out because"]


def test_the_rule_leaves_alone_what_a_person_decides_while_it_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    make_campaign({"spam": 12})
    spam = Assignment.objects.get(external_id="spam3")

    def decide_then_apply(*args: Any, **kwargs: Any) -> None:
        leave_out(assignment=spam, reason="", decided_by="rosa", is_left_out=False)
        apply(*args, **kwargs)

    apply = excluding._apply
    monkeypatch.setattr(excluding, "_apply", decide_then_apply)
    run("label", "demo")
    spam.refresh_from_db()
    assert (spam.is_left_out, spam.count_decided_by) == (False, "rosa")
    assert Assignment.objects.filter(is_left_out=True).count() == 11


def import_file(path: Path) -> str:
    return run("import_annotations", "papers", answers=path)


def test_the_blanket_answerer_of_an_imported_file_is_set_aside_and_shown(shared: Path) -> None:
    """Counted, the blanket answerer makes 46 of the 60 units interpretable."""
    said = import_file(shared / "data" / "cases" / "spam.jsonl")
    assert "Set aside on evidence, and paid: 60 answers of 1 person." in said
    report = json.loads(run("report", "papers", format="json"))
    assert report["layers"][0]["n_interpretable"] == 0
    assert [row["worker"] for row in report["set_aside"]["by"]] == ["spammer"]
    assert " 46 of these units have a mean precision over .75" in run("label", "papers", keep_suspected=True)


def test_a_file_of_blanket_answerers_alone_is_kept_and_has_no_labels(tmp_path: Path) -> None:
    rows = [
        {"layer": "conv5", "index": unit, "description": word, "category": "object", "precision": 1, "worker": word}
        for word in ("good", "sky")
        for unit in range(8)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = import_file(tmp_path / "a.jsonl")
    assert "Every answer of campaign papers is set aside." in said
    assert Answer.objects.count() == 16
    assert not UnitLabel.objects.exists()


def test_the_pages_say_who_is_set_aside_and_why(client: Client) -> None:
    make_campaign({"spam": 12})
    run("label", "demo")
    client.force_login(make_person(Role.REVIEWER))
    reason = "The worker left 36 of 36 planted negatives unmarked on 12 HITs"
    for address in ("/campaigns/demo/", "/campaigns/demo/answers/", "/units/net/conv5/0/"):
        page = unescape(client.get(address).content.decode())
        assert reason in page, address
    run("label", "demo", keep_suspected=True)
    for address in ("/campaigns/demo/", "/campaigns/demo/answers/", "/units/net/conv5/0/"):
        assert "suspected, counted as asked" in client.get(address).content.decode(), address
