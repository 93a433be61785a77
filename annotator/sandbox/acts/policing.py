"""Review policies: their results for a HIT's answers, and the approvals, rejections and extensions that follow."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from annotator.sandbox.acts.transitions import add_assignments, approve, reject
from annotator.sandbox.models import HIT, Assignment, ReviewAction, ReviewResult
from annotator.sandbox.questions import answers, policies
from annotator.sandbox.rules.refusals import Refused
from annotator.sandbox.rules.states import LISTED, AssignmentState
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class _Report:
    """Writes the findings about one HIT at one level."""

    hit: HIT
    level: str
    now: dt.datetime

    def find(self, subject: HIT | Assignment, key: str, value: object, *, question: str = "") -> None:
        ReviewResult.objects.create(
            hit=self.hit, level=self.level, subject_id=subject.mturk_id, subject_type=_kind(subject), key=key,
            value=str(value)[:256], question_id=question[:255],
        )  # fmt: skip

    def act(self, name: str, target: HIT | Assignment, result: str, *, error: Refused | None = None) -> None:
        ReviewAction.objects.create(
            hit=self.hit, level=self.level, name=name, target_id=target.mturk_id, target_type=_kind(target),
            status="Failed" if error else "Succeeded", completed_at=self.now, result=error.message if error else result,
            error_code=f"AWS.MechanicalTurk.{error.code}" if error else "",
        )  # fmt: skip


def _kind(subject: HIT | Assignment) -> str:
    return "HIT" if isinstance(subject, HIT) else "Assignment"


def review_assignment(assignment: Assignment, *, now: dt.datetime) -> bool:
    """Called at a submission, in its transaction and under the HIT's lock; True if this made the HIT reviewable."""
    if not assignment.hit.assignment_review_policy:
        return False
    policy = policies.read_known_answers(assignment.hit.assignment_review_policy)
    report = _Report(assignment.hit, "Assignment", now)
    correct = policies.check_known(policy.key, answers.read_values(assignment.answer))
    for question, is_correct in correct.items():
        report.find(assignment, "KnownAnswerCorrect", int(is_correct), question=question)
    score = policies.percentage(sum(correct.values()), len(correct))
    report.find(assignment, "KnownAnswerScore", score)
    report.act(
        "review",
        assignment,
        f"{sum(correct.values())} of {say_count(len(correct), 'known answer')} correct",
    )
    became_reviewable = False
    if policy.actions.extend_below is not None and score < policy.actions.extend_below:
        became_reviewable = _extend(report, policy.actions)
    return _judge(report, assignment, policy.actions, score=score) or became_reviewable


def review_hit(hit: HIT, *, now: dt.datetime) -> None:
    """Called each time a HIT becomes reviewable, in that transaction; earlier findings are replaced."""
    if not hit.hit_review_policy:
        return
    policy = policies.read_plurality(hit.hit_review_policy)
    hit.review_results.filter(level="HIT").delete()
    done = hit.assignments.filter(state__in=LISTED).select_related("person").order_by("submitted_at", "id")
    considered = [assignment for assignment in done if not _is_disregarded(assignment, policy)]
    given = {assignment.mturk_id: answers.read_values(assignment.answer) for assignment in considered}
    if not given:
        return
    report, found = _Report(hit, "HIT", now), policies.find_agreement(policy, given)
    _write_agreement(report, considered, given, found)
    actions = policy.actions
    if actions.extend_below is not None and found.hit_score < actions.extend_below:
        _extend(report, actions)
    for assignment in considered:
        score = found.worker_scores[assignment.mturk_id]
        if score is not None:
            _judge(report, assignment, actions, score=score)


def _write_agreement(
    report: _Report,
    considered: list[Assignment],
    given: dict[str, dict[str, frozenset[str]]],
    found: policies.Agreement,
) -> None:
    for question, answer in found.agreed.items():
        for assignment in considered:
            agrees = answer is not None and given[assignment.mturk_id].get(question) == answer
            report.find(assignment, "AgreedWithPlurality", int(agrees), question=question)
        if answer is not None:
            report.find(report.hit, "PluralityAnswer", answers.SEPARATOR.join(sorted(answer)), question=question)
        report.find(report.hit, "PluralityLevel", found.level[question], question=question)
    report.find(report.hit, "HITAgreementScore", found.hit_score)
    for assignment in considered:
        score = found.worker_scores[assignment.mturk_id]
        if score is not None:
            report.find(assignment, "WorkerAgreementScore", score)


def _is_disregarded(assignment: Assignment, policy: policies.Plurality) -> bool:
    if policy.disregard_rejected and assignment.state == AssignmentState.REJECTED:
        return True
    if policy.disregard_known_below is None:
        return False
    known = assignment.hit.review_results.filter(subject_id=assignment.mturk_id, key="KnownAnswerScore").first()
    return known is not None and int(known.value) < policy.disregard_known_below


def _judge(report: _Report, assignment: Assignment, actions: policies.Actions, *, score: int) -> bool:
    """Approve or reject by the score; True if this made the HIT reviewable.

    What cannot be done is reported as failed, and the submission is kept.
    """
    if actions.approve_at_least is not None and score >= actions.approve_at_least:
        name, wanted = "approve", AssignmentState.APPROVED
    elif actions.reject_below is not None and score < actions.reject_below:
        name, wanted = "reject", AssignmentState.REJECTED
    else:
        return False
    if assignment.state == wanted:
        report.act(name, assignment, f"Already {wanted.lower()}")
        return False
    try:
        with transaction.atomic():
            if name == "approve":
                became_reviewable = approve(
                    assignment, feedback=actions.approve_reason, is_override=False, now=report.now
                )
            else:
                became_reviewable = reject(assignment, feedback=actions.reject_reason, now=report.now)
    except Refused as refused:
        report.act(name, assignment, "", error=refused)
        return False
    report.act(name, assignment, wanted)
    return became_reviewable


def _extend(report: _Report, actions: policies.Actions) -> bool:
    """Adds one assignment, and time for it, up to the policy's maximum; True if this made the HIT reviewable."""
    hit = report.hit
    if hit.max_assignments >= actions.extend_maximum:
        report.act("extend", hit, f"The HIT has {say_count(hit.max_assignments, 'assignment')} already")
        return False
    before = (hit.expires_at, hit.is_expired, hit.expired_at, hit.max_assignments, hit.status, hit.held_usd)
    until = max(hit.expires_at, report.now + dt.timedelta(seconds=actions.extend_seconds))
    try:
        with transaction.atomic():
            if until > hit.expires_at:
                hit.expires_at, hit.is_expired, hit.expired_at = until, until <= report.now, None
            became_reviewable = add_assignments(hit, n_more=1, now=report.now)
    except Refused as refused:
        hit.expires_at, hit.is_expired, hit.expired_at, hit.max_assignments, hit.status, hit.held_usd = before
        report.act("extend", hit, "", error=refused)
        return False
    report.act("extend", hit, "Extended by 1 assignment")
    return became_reviewable
