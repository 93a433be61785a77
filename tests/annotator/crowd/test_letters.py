"""What people write to the requester is taken in from the real sandbox, and answered there."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotator.accounts.models import AuditEntry, Role
from annotator.crowd import letters, tasks
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.judging.approving import approve_assignments
from annotator.crowd.letters import collect_letters
from annotator.crowd.models import Assignment, Campaign, Letter, Worker
from annotator.sandbox.models import Message, Person
from tests.annotator.dashboard.making import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def write(market: Any, person: Person, subject: str = "A question", text: str = "What is a texture?") -> Message:
    return Message.objects.create(
        requester=market.account, person=person, is_from_person=True, subject=subject, text=text, sent_at=timezone.now()
    )


def test_a_letter_is_taken_in_once_shown_on_home_answered_and_read_by_the_person(
    market: Any, campaign: Campaign, settings: Any
) -> None:
    market.publish(campaign)
    ada = market.enroll("ada")
    subject = f"HIT {campaign.hits.earliest('pk').external_id}"
    write(market, ada, subject)
    tasks.take_letters()
    assert collect_letters(now=timezone.now()) == 0
    letter = Letter.objects.get()
    assert (letter.subject, letter.text) == (subject, "What is a texture?")
    Assignment.objects.create(hit=campaign.hits.earliest("pk"), worker=letter.worker, state="submitted")
    reviewer = sign_in(Role.REVIEWER)
    assert reviewer.get("/").context["n_unread"] == 1
    page = reviewer.get("/crowd/").content.decode()
    assert "What is a texture?" in page
    assert f'href="/campaigns/{campaign.name}/answers/?person={letter.worker.pseudonym}"' in page
    assert ada.mturk_id not in page, "the marketplace's id is shown nowhere"
    assert "$" in reviewer.get("/crowd/balance/own").content.decode()
    reviewer.post(f"/crowd/letters/{letter.pk}/answer/", {"text": "Something that repeats."})
    answer = Letter.objects.get(answered_to=letter)
    assert (answer.problem, answer.written_by) == ("", "reviewer")
    assert reviewer.get("/").context["n_unread"] == 0
    received = Message.objects.get(person=ada, is_from_person=False)
    assert (received.subject, received.text) == (f"Re: {subject}", "Something that repeats.")
    assert AuditEntry.objects.get(action="answer letter").subject == f"letter {letter.pk}"
    write(market, ada, text="Thanks")
    assert collect_letters(now=timezone.now()) == 1, "those that are known are not read again"


def test_a_letter_that_is_noted_late_is_taken_in(market: Any, campaign: Campaign, monkeypatch: Any) -> None:
    market.publish(campaign)
    ada = market.enroll("ada")
    late = write(market, ada, text="Late")
    Message.objects.filter(pk=late.pk).delete()
    write(market, ada, text="Early")
    assert collect_letters(now=timezone.now()) == 1
    late.save(force_insert=True)  # its number is that of before
    write(market, ada, text="Later")
    assert collect_letters(now=timezone.now()) == 2
    monkeypatch.setattr(letters, "PAGE_SIZE", 2)
    for place in range(5):
        write(market, ada, text=str(place))
    assert collect_letters(now=timezone.now()) == 5, "page after page, until one that holds a known letter"
    assert Letter.objects.count() == 8


def test_an_answer_that_does_not_arrive_is_kept_with_the_reason_and_sent_again(
    market: Any, campaign: Campaign, settings: Any
) -> None:
    market.publish(campaign)
    write(market, market.enroll("ada"))
    collect_letters(now=timezone.now())
    letter, reviewer, address = Letter.objects.get(), sign_in(Role.REVIEWER), settings.SANDBOX_URL
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    assert "does not answer" in reviewer.get("/crowd/balance/own").content.decode()
    reviewer.post(f"/crowd/letters/{letter.pk}/answer/", {"text": "Soon."})
    answer = Letter.objects.get(answered_to=letter)
    assert "does not answer" in answer.problem
    assert "It did not reach the person" in reviewer.get("/crowd/").content.decode()
    settings.SANDBOX_URL = address
    Letter.objects.filter(pk=answer.pk).update(problem=letters.NOT_SENT)
    twice = reviewer.post(f"/crowd/letters/{answer.pk}/again/")
    assert (twice.status_code, "just being sent" in twice.content.decode()) == (422, True)
    Letter.objects.filter(pk=answer.pk).update(at=answer.at - timedelta(minutes=2))
    reviewer.post(f"/crowd/letters/{answer.pk}/again/")
    assert AuditEntry.objects.filter(action="send answer again", subject=f"letter {answer.pk}").count() == 1
    assert Letter.objects.get(pk=answer.pk).problem == ""
    assert reviewer.post(f"/crowd/letters/{answer.pk}/again/").status_code == 422, "it was sent"
    assert Message.objects.filter(is_from_person=False).count() == 1
    lines = "\r\n".join(["x" * 63] * 64)
    for place, status in enumerate((302, 422)):
        sent = reviewer.post(f"/crowd/letters/{letter.pk}/answer/", {"text": lines})
        assert sent.status_code == status, "a line's end counts once, and two clicks write one answer"
        assert Letter.objects.exclude(answered_to=None).count() == 2, place
    assert "This answer was written just now" in sent.content.decode()
    sent = reviewer.post(f"/crowd/letters/{letter.pk}/answer/", {"text": "What I typed" + "x" * 4096})
    assert sent.status_code == 422
    assert "required>What I typedxx" in sent.content.decode(), "what was typed is not lost"


def test_what_an_erased_person_wrote_is_gone_and_does_not_come_back(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    market.work(hit, "ada")
    collect_campaign(market.open_session(campaign))
    approve_assignments(market.open_session(campaign))
    write(market, market.enroll("ada"))
    collect_letters(now=timezone.now())
    write(market, market.enroll("ada"), text="Not taken in yet")
    form = {"marketplace": "own", "worker_id": Person.objects.get(name="ada").mturk_id, "yes": "on"}
    assert sign_in(Role.ADMIN).post("/people/erase/", form).status_code == 302
    assert collect_letters(now=timezone.now() + timedelta(minutes=1)) == 0
    assert list(Letter.objects.values_list("subject", "text")) == [("", ""), ("", "")]
    assert Worker.objects.filter(external_id__isnull=False).count() == 0
    assert "Nobody has written" in sign_in(Role.REVIEWER).get("/crowd/").content.decode()
