"""What is offered to whom: groups, search, order, guards, the next HIT."""

from collections.abc import Callable

from django.test import Client

from annotator.sandbox.models import HIT, Assignment, Person
from annotator.sandbox.questions.documents import HTML_NAMESPACE

Visit = Callable[[Person], Client]
NewPerson = Callable[..., Person]
Accept = Callable[[Client, HIT], Assignment]
HTML = (
    f'<HTMLQuestion xmlns="{HTML_NAMESPACE}"><HTMLContent>'
    "<![CDATA[<!DOCTYPE html><p id='own'>hello</p>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


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


def test_skipping_goes_round_the_group(stranger: Client, new_hit: Callable[..., HIT]) -> None:
    first, second = new_hit(), new_hit()
    group = first.hit_type.group_id
    assert second.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={first.mturk_id}").url
    assert first.mturk_id in stranger.get(f"/worker/groups/{group}/next?after={second.mturk_id}").url
