"""Review policies act during a submission; both levels run whichever of them makes the HIT reviewable."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from annotator.sandbox.acts import publishing, working
from annotator.sandbox.models import HIT, Person

ANSWER = (
    '<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/'
    'QuestionFormAnswers.xsd"><Answer><QuestionIdentifier>animal</QuestionIdentifier>'
    "<FreeText>cat</FreeText></Answer></QuestionFormAnswers>"
)
KNOWN_ANSWERS = {
    "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
    "Parameters": [
        {"Key": "AnswerKey", "MapEntries": [{"Key": "animal", "Values": ["cat"]}]},
        {"Key": "ApproveIfKnownAnswerScoreIsAtLeast", "Values": ["100"]},
    ],
}
PLURALITY = {
    "PolicyName": "SimplePlurality/2011-09-01",
    "Parameters": [
        {"Key": "QuestionIds", "Values": ["animal"]},
        {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
    ],
}


def test_an_approval_by_a_policy_makes_the_hit_reviewable_and_the_hit_policy_runs_once(
    new_hit: Callable[..., HIT], new_person: Callable[..., Person], now: dt.datetime
) -> None:
    hit = new_hit(MaxAssignments=1, AssignmentReviewPolicy=KNOWN_ANSWERS, HITReviewPolicy=PLURALITY)
    assignment = working.accept(new_person(), hit_id=hit.pk, now=now)

    working.submit(assignment.mturk_id, answer=ANSWER, now=now)

    hit.refresh_from_db()
    assignment.refresh_from_db()
    assert (hit.status, assignment.state) == ("Reviewable", "Approved")
    results: Any = hit.review_results.filter(level="HIT")
    assert results.filter(key="PluralityAnswer").values_list("value", flat=True).get() == "cat"
    assert results.filter(key="HITAgreementScore").count() == 1


def test_a_returned_last_place_of_an_expired_hit_runs_the_hit_policy(
    new_hit: Callable[..., HIT], new_person: Callable[..., Person], now: dt.datetime
) -> None:
    hit = new_hit(MaxAssignments=2, HITReviewPolicy=PLURALITY)
    first = working.accept(new_person("ada"), hit_id=hit.pk, now=now)
    second = working.accept(new_person("bob"), hit_id=hit.pk, now=now)
    working.submit(first.mturk_id, answer=ANSWER, now=now)
    hit.refresh_from_db()
    publishing.set_expiration(hit, expires_at=now, now=now)
    assert not hit.review_results.exists()

    working.give_back(second.mturk_id, person=second.person, now=now)

    assert hit.review_results.filter(key="PluralityAnswer").exists()
