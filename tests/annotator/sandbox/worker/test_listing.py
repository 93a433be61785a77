"""What is offered to whom: groups, search, order, guards, the next HIT."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotator.sandbox.acts.qualifying import PERCENT_APPROVED
from annotator.sandbox.models import HIT, QualificationType, Requester
from annotator.sandbox.models.accounts import OWN
from tests.annotator.sandbox.conftest import Accept, NewPerson, Visit
from tests.conformance.documents import FORM


def test_groups_are_listed_searched_and_sorted(stranger: Client, new_hit: Callable[..., HIT]) -> None:
    new_hit(Title="Mark stripes", Reward="0.10")
    new_hit(Title="Name dots", Reward="0.90", Keywords="round")
    new_hit(Title="Name dots", Reward="0.90", Keywords="round")

    def titles(query: str = "") -> list[str]:
        return [group.hit_type.title for group in stranger.get(f"/worker/{query}").context["groups"]]

    assert titles() == ["Name dots", "Mark stripes"]
    assert titles("?words=STRIPES") == ["Mark stripes"]
    assert titles("?words=round+dots") == ["Name dots"]
    assert titles("?least_reward=0.5") == ["Name dots"]
    assert titles("?least_reward=nonsense&sort=nonsense") == ["Name dots", "Mark stripes"]
    assert stranger.get("/worker/").context["groups"][0].n_open == 2


def test_the_installations_own_account_is_called_as_its_operator(
    stranger: Client, new_hit: Callable[..., HIT], settings: Any
) -> None:
    """Its name in the table says nothing to a person. Without a name, the text around it is read in any language."""
    new_hit()
    Requester.objects.update(name=OWN)
    settings.SANDBOX_OPERATOR = ""
    for language, said in (("en", "The operator of this site runs"), ("de", "Der Betreiber dieser Website betreibt")):
        page = stranger.get("/worker/", HTTP_ACCEPT_LANGUAGE=language).content.decode()
        assert "Unitscope</span>" in page, language
        assert said in page
    settings.SANDBOX_OPERATOR = "The Vision Lab"
    assert "by The Vision Lab" in stranger.get("/worker/").content.decode()
    for words, n_found in (("vision", 1), ("own", 0)):
        assert len(stranger.get(f"/worker/?words={words}").context["groups"]) == n_found, words
    Requester.objects.update(name="another")
    assert "by another" in stranger.get("/worker/").content.decode()
    assert stranger.get("/worker/?words=vision").context["groups"] == []


def test_a_hit_that_one_has_done_or_that_is_over_is_not_offered(
    accept: Accept,
    visit: Visit,
    new_person: NewPerson,
    new_hit: Callable[..., HIT],
    move_clock: Callable[[float], None],
) -> None:
    browser = visit(new_person())
    hit = new_hit(MaxAssignments=2)
    assignment = accept(browser, hit)
    browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    assert browser.get("/worker/").context["groups"] == []
    assert browser.post(f"/worker/hits/{hit.mturk_id}/accept").status_code == 409
    other = visit(new_person("bo"))
    assert len(other.get("/worker/").context["groups"]) == 1
    move_clock(3601)
    assert other.get("/worker/").context["groups"] == []


def test_discovery_preview_and_acceptance_are_guarded_one_by_one(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    browser = visit(new_person(country="DE"))
    for guard, may_see, may_preview in (
        ("Accept", True, True),
        ("PreviewAndAccept", True, False),
        ("DiscoverPreviewAndAccept", False, False),
    ):
        requirement = {
            "QualificationTypeId": "00000000000000000071", "Comparator": "EqualTo",
            "LocaleValues": [{"Country": "US"}], "ActionsGuarded": guard,
        }  # fmt: skip
        hit = new_hit(Title=guard, QualificationRequirements=[requirement])
        listed = [group.hit_type.title for group in browser.get("/worker/").context["groups"]]
        assert (guard in listed) == may_see
        assert (browser.get(f"/worker/hits/{hit.mturk_id}/").status_code == 200) == may_preview
        assert browser.post(f"/worker/hits/{hit.mturk_id}/accept").status_code == 409


@pytest.mark.parametrize("place", [{"Country": "us"}, {"Country": "XX"}, {"Country": "US", "Subdivision": "ca"}])
def test_a_place_where_nobody_lives_is_refused(new_hit: Callable[..., HIT], place: dict[str, str]) -> None:
    """Its money would be held for a HIT that nobody can take."""
    wanted = {"QualificationTypeId": "00000000000000000071", "Comparator": "In", "LocaleValues": [place]}
    with pytest.raises(ClientError, match="ISO 3166"):
        new_hit(QualificationRequirements=[wanted])


def test_more_groups_with_requirements_make_no_more_queries(
    mturk: Any, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    browser = visit(new_person())

    def add(n: int) -> None:
        for number in range(n):
            name = f"Test {number} of {QualificationType.objects.count()}"
            made = mturk.create_qualification_type(Name=name, Description="A test", QualificationTypeStatus="Active")
            type_id = made["QualificationType"]["QualificationTypeId"]
            wanted = [
                {"QualificationTypeId": type_id, "Comparator": "GreaterThan", "IntegerValues": [50]},
                {"QualificationTypeId": PERCENT_APPROVED, "Comparator": "GreaterThan", "IntegerValues": [50]},
            ]
            new_hit(Title=name, QualificationRequirements=wanted)

    def count() -> int:
        """Queries about what the person holds, has asked for and has done."""
        with CaptureQueriesContext(connection) as captured:
            groups = browser.get("/worker/").context["groups"]
        assert [group.unmet for group in groups] == [f"Request “{group.hit_type.title}” first." for group in groups]
        queries = [one["sql"] for one in captured]
        return sum("qualification" in sql or sql.startswith("SELECT COUNT") for sql in queries)

    add(2)
    n_queries = count()
    add(3)
    assert count() == n_queries


def test_skipping_goes_round_the_group(stranger: Client, new_hit: Callable[..., HIT]) -> None:
    first, second = new_hit(), new_hit()
    group = first.hit_type.group_id
    assert second.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={first.mturk_id}").url
    assert first.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={second.mturk_id}").url


def test_what_one_has_returned_is_not_offered_again_and_can_still_be_opened(
    accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT]
) -> None:
    first, second, browser = new_hit(), new_hit(), visit(new_person())
    group = f"/worker/groups/{first.hit_type.group_id}"
    taken = accept(browser, first)
    browser.post(f"/worker/assignments/{taken.mturk_id}/return")
    assert browser.get("/worker/").context["groups"][0].n_open == 1
    assert second.mturk_id in browser.get(f"{group}/next").url
    page = browser.get(f"{group}/")
    assert [hit.mturk_id for hit in page.context["hits"]] == [second.mturk_id]
    assert [hit.mturk_id for hit in page.context["returned"]] == [first.mturk_id]
    for _ in range(2):  # accepted and returned, again and again: each HIT once
        page = browser.post(f"{group}/accept", follow=True)
        if page.status_code == 200:
            assert page.context["hit"].mturk_id == second.mturk_id
            browser.post(f"/worker/assignments/{page.context['assignment'].mturk_id}/return")
    assert page.status_code == 409
    assert browser.get("/worker/").context["groups"] == []
    assert accept(browser, first).hit == first


def test_a_requirement_is_told_in_words_with_the_way_to_meet_it(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], requester: Requester, now: dt.datetime
) -> None:
    kind = QualificationType.objects.create(
        requester=requester, name="Screening test", description="Short.", test=FORM, test_duration_seconds=120,
        created_at=now,
    )  # fmt: skip
    person = new_person(country="DE")
    browser = visit(person)
    wanted = {"QualificationTypeId": kind.mturk_id, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [75]}
    hit = new_hit(QualificationRequirements=[wanted])
    for address in ("/worker/", f"/worker/groups/{hit.hit_type.group_id}/", f"/worker/hits/{hit.mturk_id}/"):
        page = browser.get(address).content.decode()
        assert "Take the 2-minute test “Screening test” first." in page, address
        assert f"/worker/qualifications/{kind.mturk_id}/request" in page, address
        assert "GreaterThan" not in page
        assert kind.mturk_id not in page.replace(f"/worker/qualifications/{kind.mturk_id}/request", "")
    test = browser.post(f"/worker/qualifications/{kind.mturk_id}/request", follow=True)
    assert "Screening test" in test.content.decode()
    person.qualification_requests.update(state="granted")
    person.qualifications.create(type=kind, value=60, granted_at=now)
    page = browser.get("/worker/").content.decode()
    assert "Your value of “Screening test” must be at least 75. Yours is 60." in page
    place = {"QualificationTypeId": "00000000000000000071", "Comparator": "In", "LocaleValues": [{"Country": "US"}]}
    new_hit(Title="There", QualificationRequirements=[place])
    new_hit(Title="Open to all")
    listed = browser.get("/worker/").context["groups"]
    assert listed[0].hit_type.title == "Open to all", "what can be taken stands first"
    assert "Where you live must be one of US. Yours is DE." in [group.unmet for group in listed]
    listed = browser.get("/worker/", headers={"accept-language": "de"}).context["groups"]
    assert "Ihr Wohnort muss unter diesen sein: US. Bei Ihnen: DE." in [group.unmet for group in listed]
    refused = browser.post(f"/worker/qualifications/{kind.mturk_id}/request", headers={"accept-language": "es"})
    assert "Ya tiene esta cualificación." in refused.content.decode()
