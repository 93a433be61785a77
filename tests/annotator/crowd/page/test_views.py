"""The HIT page over HTTP: what a visitor gets, and what is refused."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from PIL import Image as Pixels

from annotator.crowd.models import HIT, Answer, Assignment, Campaign, Worker
from tests.annotator.crowd.making import TILE_PX, color_of

pytestmark = pytest.mark.django_db
Visit = Callable[..., Any]


def test_a_visit_stores_nothing_before_consent(visit: Visit) -> None:
    visitor = visit()
    assert visitor.open().status_code == 200
    answer = visitor.start(consent=False)
    assert answer["state"] == "consent"
    told = " ".join(answer["consent"]["paragraphs"])
    assert "About 3 minutes for $0.50" in told, "150 seconds are no 2 minutes"
    Campaign.objects.update(quote={"seconds_per_assignment": 45})
    assert "About 1 minute for $0.50" in " ".join(visitor.start(consent=False)["consent"]["paragraphs"])
    assert not Worker.objects.exists()
    assert not Assignment.objects.exists()


def test_consent_starts_the_work_and_is_kept_with_its_version(visit: Visit) -> None:
    work = visit().start()
    assert (work["state"], work["n_crops"], len(work["sheets"])) == ("working", 60, 3)
    row = Assignment.objects.get()
    assert row.consent_version
    assert row.consented_at == row.started_at
    assert row.worker is not None
    assert row.worker.pseudonym != "AWORKER1"


def test_consent_is_asked_once_a_campaign(visit: Visit, campaign: Campaign) -> None:
    visit().start()
    other = campaign.hits.order_by("id").last()
    assert visit(hit=other, assignment_id="ASSIGNMENT2").start(consent=False)["state"] == "working"


def test_sheets_show_the_crops_in_the_assignments_own_order(visit: Visit) -> None:
    visitor = visit()
    sheets = [visitor.client.get(address) for address in visitor.start()["sheets"]]
    row = Answer.objects.get()
    for position, rank in enumerate(row.shown_ranks):
        sheet, within = divmod(position, 20)
        with Pixels.open(io.BytesIO(sheets[sheet].content)) as picture:
            assert picture.size == (5 * TILE_PX, 4 * TILE_PX)
            middle = (within % 5 * TILE_PX + TILE_PX // 2, within // 5 * TILE_PX + TILE_PX // 2)
            seen = picture.getpixel(middle)
        assert max(abs(a - b) for a, b in zip(seen, color_of(seed=0, rank=rank), strict=True)) < 10  # type: ignore[arg-type]


def test_the_order_depends_on_person_and_hit_alone(visit: Visit) -> None:
    visit(assignment_id="FIRST").start()
    first = Answer.objects.get().shown_ranks
    Assignment.objects.all().delete()
    visit(assignment_id="SECOND").start()
    visit(assignment_id="THIRD", worker_id="AOTHER").start()
    again, other = Answer.objects.order_by("id").values_list("shown_ranks", flat=True)
    assert again == first
    assert other != first


def test_a_submission_is_stored_scored_and_handed_over(visit: Visit) -> None:
    visitor = visit()
    work = visitor.start()
    answer = visitor.submit(work["work_token"]).json()
    row = Answer.objects.get()
    assert (row.assignment.state, row.description, row.category) == ("stored", "lamp", "object")
    marked = {row.shown_ranks[1], row.shown_ranks[2]}
    assert set(row.marked_ranks) == marked
    n_top_marked = len(marked - set(row.planted_ranks))
    assert row.precision == pytest.approx((57 - n_top_marked) / 57)
    assert row.n_planted_missed == 3 - len(marked & set(row.planted_ranks))
    assert answer["submit_to"] == f"{settings.SANDBOX_URL}/mturk/externalSubmit"
    assert answer["fields"]["assignmentId"] == "ASSIGNMENT1"
    assert answer["fields"]["marked"] == "1 2"
    assert answer["receipt"] == answer["fields"]["receipt"]


def test_a_repeated_submission_gives_the_same_receipt_and_changes_nothing(visit: Visit) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    first = visitor.submit(token).json()
    second = visitor.submit(token).json()
    third = visitor.submit(token, client_id=str(uuid.uuid4()), description="other").json()
    assert first == second == third
    assert Answer.objects.get().description == "lamp"


def test_opening_a_submitted_hit_again_shows_its_receipt(visit: Visit) -> None:
    visitor = visit()
    receipt = visitor.submit(visitor.start()["work_token"]).json()["receipt"]
    again = visitor.start(consent=False)
    assert (again["state"], again["receipt"]) == ("stored", receipt)


BAD_ANSWERS: list[tuple[dict[str, Any], str]] = [
    ({"description": "  "}, "description"),
    ({"description": "?!"}, "description"),
    ({"description": None}, "description"),
    ({"description": "x" * 101}, "description"),
    ({"category": ""}, "category"),
    ({"category": "thing"}, "category"),
    ({"marked": [60]}, "marked"),
    ({"marked": [-1]}, "marked"),
    ({"marked": [True]}, "marked"),
    ({"marked": "1 2"}, "marked"),
]


def test_an_incomplete_or_impossible_answer_is_refused_in_words(visit: Visit) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    for changes, field in BAD_ANSWERS:
        refused = visitor.submit(token, **changes)
        assert (refused.status_code, refused.json()["field"]) == (422, field), changes
        assert refused.json()["error"]
    assert Assignment.objects.get().state == "started"


def test_must_find_sends_back_three_times_and_then_takes_it(visit: Visit, campaign: Campaign) -> None:
    Campaign.objects.update(policy=Campaign.Policy.MUST_FIND)
    visitor = visit()
    token = visitor.start()["work_token"]
    answers = [visitor.submit(token, marked=[]).json() for _ in range(4)]
    assert [answer["state"] for answer in answers] == ["sent back"] * 3 + ["stored"]
    assert [answer.get("n_left") for answer in answers[:3]] == [2, 1, 0]
    row = Answer.objects.get()
    assert (row.assignment.n_sent_back, row.n_planted_missed) == (3, 3)


def test_drafts_are_kept_and_a_tab_that_is_behind_is_told(visit: Visit) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    draft = {"description": "lam", "marked": [5, 4, 999, "x"], "category": "", "active_seconds": 4}
    assert visitor.post("draft", {"work_token": token, "revision": 0, "draft": draft}).json() == {"revision": 1}
    behind = visitor.post("draft", {"work_token": token, "revision": 0, "draft": draft | {"description": "b"}})
    assert (behind.status_code, behind.json()["revision"]) == (409, 1)
    again = visitor.start(consent=False)
    assert again["revision"] == 1
    assert (again["draft"]["description"], again["draft"]["marked"]) == ("lam", [4, 5])


def test_a_draft_after_submission_is_refused(visit: Visit) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    visitor.submit(token)
    late = visitor.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "late"}})
    assert late.status_code == 409
    assert Answer.objects.get().description == "lamp"


def test_a_hit_returned_and_taken_again_has_the_work_of_before(visit: Visit) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    visitor.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp", "marked": [3]}})
    again = visit(assignment_id="ASSIGNMENT2").start(consent=False)
    assert again["draft"]["description"] == "lamp"


def test_one_assignment_a_worker_a_unit(visit: Visit) -> None:
    visitor = visit()
    visitor.submit(visitor.start()["work_token"])
    refused = visit(assignment_id="ASSIGNMENT2").open()
    assert refused.status_code == 403
    said = refused.content.decode()
    assert "You have already worked on this unit" in said
    assert "returning it costs you nothing" in said
    assert "I agree" not in said, "told before consent, not after it"
    assert "html { background: Canvas; color: CanvasText; }" in said, "a white frame shows no white text in the dark"


def test_who_answers_in_another_tab_meanwhile_is_refused_at_the_start_too(visit: Visit) -> None:
    second = visit(assignment_id="ASSIGNMENT2")
    token = second.config()["token"]
    visitor = visit()
    visitor.submit(visitor.start()["work_token"])
    refused = second.post("start", {"token": token, "consent": True})
    assert refused.status_code == 403
    assert "returning it costs you nothing" in refused.json()["error"]


def test_a_workers_share_is_capped(visit: Visit, campaign: Campaign) -> None:
    Campaign.objects.update(max_hits_per_worker=1)
    visitor = visit()
    preview = visitor.client.get(f"/hit/{visitor.hit.public_id}/").content.decode()
    assert "Each person can do at most 1 HIT of this study." in preview
    visitor.submit(visitor.start()["work_token"])
    refused = visit(hit=campaign.hits.order_by("id").last(), assignment_id="ASSIGNMENT2").open()
    assert refused.status_code == 403
    assert "takes at most 1 HIT from one person" in refused.content.decode()


def test_one_assignment_id_with_two_workers_makes_two_rows(visit: Visit) -> None:
    visit().start()
    visit(worker_id="ASECOND").start()
    assert Assignment.objects.filter(external_id="ASSIGNMENT1").count() == 2


def test_the_preview_shows_real_crops_and_nothing_can_be_started(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE", workerId="").content.decode()
    assert 'data-page="preview"' in page
    assert page.count('class="crop"') == 20
    assert "token" not in page[page.index("hit-config") : page.index("</script>", page.index("hit-config"))]
    sheet = visitor.client.get(f"/hit/{visitor.hit.public_id}/preview/0.jpg")
    assert sheet["Content-Type"] == "image/jpeg"
    assert visitor.client.get(f"/hit/{visitor.hit.public_id}/preview/1.jpg").status_code == 404


def test_tokens_forged_foreign_and_expired_are_refused(visit: Visit, campaign: Campaign, monkeypatch: Any) -> None:
    visitor = visit()
    config, work = visitor.config(), visitor.start()
    other = visit(hit=campaign.hits.order_by("id").last())
    assert visitor.post("start", {"token": "forged", "consent": True}).status_code == 403
    assert visitor.post("start", {"token": work["work_token"], "consent": True}).status_code == 403
    assert other.post("start", {"token": config["token"], "consent": True}).status_code == 403
    assert other.submit(work["work_token"]).status_code == 403
    assert visitor.submit(work["work_token"][:-1] + "x").status_code == 403
    assert visitor.client.get("/hit/sheet/forged/0.jpg").status_code == 403
    monkeypatch.setattr("annotator.crowd.page.tokens.MAX_SECONDS", -1)
    expired = visitor.submit(work["work_token"])
    assert expired.status_code == 410
    assert "reload" in expired.json()["error"]
    assert visitor.client.get(work["sheets"][0]).status_code == 410


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '{"work_token": 5}', "[" * 20_000])
def test_a_body_that_is_no_json_object_is_refused_in_words(visit: Visit, body: str) -> None:
    visitor = visit()
    answer = visitor.client.post(f"/hit/{visitor.hit.public_id}/submit", body, "application/json")
    assert answer.status_code in (400, 403)
    assert answer.json()["error"]


def test_the_page_may_be_framed_by_its_marketplace_alone_and_sets_no_cookie(visit: Visit) -> None:
    visitor = visit()
    responses = [visitor.open(), visitor.open(assignmentId=""), visitor.open(turkSubmitTo="https://evil.example")]
    for response in responses:
        policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
        assert policy["frame-ancestors"] == settings.SANDBOX_URL
        assert policy["form-action"] == settings.SANDBOX_URL
        assert policy["default-src"] == "'none'"
        assert "X-Frame-Options" not in response
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "no-store"
    work = visitor.start()
    visitor.client.get(work["sheets"][0])
    visitor.submit(work["work_token"])
    assert not visitor.client.cookies


def test_a_simulated_worker_is_called_so_on_the_page_and_in_the_table(visit: Visit) -> None:
    visitor = visit(worker_id="ASIMULATED0001")
    assert 'data-simulated="1"' in visitor.open().content.decode()
    assert "simulated worker" in visitor.open().content.decode()
    visitor.start()
    assert Worker.objects.get().is_simulated


def test_a_withdrawn_hit_can_be_finished_by_who_has_it(visit: Visit) -> None:
    visitor = visit()
    visitor.start()
    HIT.objects.update(state=HIT.State.CANCELED)
    assert visitor.open().status_code == 200
    assert visitor.open(assignmentId="").status_code == 410


def test_a_hit_that_is_not_there_and_a_wrong_method_are_refused(visit: Visit) -> None:
    visitor = visit()
    for act, method in (
        ("", "GET"),
        ("preview/0.jpg", "GET"),
        ("start", "POST"),
        ("draft", "POST"),
        ("submit", "POST"),
    ):
        unknown = visitor.client.generic(method, f"/hit/{uuid.uuid4()}/{act}", b"{}", content_type="application/json")
        assert unknown.status_code == (404 if method == "GET" else 403), act
        other = "POST" if method == "GET" else "GET"
        assert visitor.client.generic(other, f"/hit/{visitor.hit.public_id}/{act}").status_code == 405, act


def test_the_page_belongs_to_its_own_hit(visit: Visit) -> None:
    HIT.objects.update(external_id="THEHIT")
    visitor = visit()
    assert visitor.open(hitId="ANOTHER").status_code == 404
    assert visitor.open(hitId="THEHIT").status_code == 200
