"""Rows as MTurk's data structures: HIT, Assignment and the rest, with Python's timestamps and decimals."""

import datetime as dt
from decimal import Decimal
from typing import Any

from annotator.sandbox.models import (
    HIT,
    Assignment,
    BonusPayment,
    Message,
    Qualification,
    QualificationRequest,
    QualificationType,
)


def to_json(value: Any) -> Any:
    """Timestamps become epoch seconds, money a decimal string; members that are None are omitted."""
    if isinstance(value, dict):
        return {name: to_json(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [to_json(member) for member in value]
    if isinstance(value, dt.datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value


def hit_members(hit: HIT) -> dict[str, Any]:
    kind = hit.hit_type
    return {
        "HITId": hit.mturk_id,
        "HITTypeId": kind.mturk_id,
        "HITGroupId": kind.group_id,
        "HITLayoutId": hit.hit_layout_id or None,
        "CreationTime": hit.created_at,
        "Title": kind.title,
        "Description": kind.description,
        "Question": hit.question,
        "Keywords": kind.keywords,
        "HITStatus": hit.status,
        "MaxAssignments": hit.max_assignments,
        "Reward": kind.reward_usd,
        "AutoApprovalDelayInSeconds": kind.auto_approval_seconds,
        "Expiration": hit.expires_at,
        "AssignmentDurationInSeconds": kind.duration_seconds,
        "RequesterAnnotation": hit.annotation or None,
        "QualificationRequirements": kind.requirements,
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": hit.n_accepted,
        "NumberOfAssignmentsAvailable": 0 if hit.is_expired else hit.n_available,
        "NumberOfAssignmentsCompleted": hit.n_approved + hit.n_rejected,
    }


def assignment_members(assignment: Assignment) -> dict[str, Any]:
    return {
        "AssignmentId": assignment.mturk_id,
        "WorkerId": assignment.person.mturk_id,
        "HITId": assignment.hit.mturk_id,
        "AssignmentStatus": assignment.state,
        "AutoApprovalTime": assignment.auto_approve_at,
        "AcceptTime": assignment.accepted_at,
        "SubmitTime": assignment.submitted_at,
        "ApprovalTime": assignment.approved_at,
        "RejectionTime": assignment.rejected_at,
        "Deadline": assignment.deadline,
        "Answer": assignment.answer,
        "RequesterFeedback": assignment.feedback or None,
    }


def bonus_members(bonus: BonusPayment) -> dict[str, Any]:
    return {
        "WorkerId": bonus.person.mturk_id,
        "BonusAmount": bonus.amount_usd,
        "AssignmentId": bonus.assignment.mturk_id,
        "Reason": bonus.reason,
        "GrantTime": bonus.granted_at,
    }


def message_members(message: Message) -> dict[str, Any]:
    return {
        "MessageId": str(message.pk),
        "WorkerId": message.person.mturk_id,
        "Subject": message.subject,
        "MessageText": message.text,
        "SentTime": message.sent_at,
    }


def qualification_type_members(kind: QualificationType) -> dict[str, Any]:
    return {
        "QualificationTypeId": kind.mturk_id,
        "CreationTime": kind.created_at,
        "Name": kind.name,
        "Description": kind.description,
        "Keywords": kind.keywords or None,
        "QualificationTypeStatus": "Active" if kind.is_active else "Inactive",
        "Test": kind.test or None,
        "TestDurationInSeconds": kind.test_duration_seconds,
        "AnswerKey": kind.answer_key or None,
        "RetryDelayInSeconds": kind.retry_delay_seconds,
        "IsRequestable": True,
        "AutoGranted": kind.is_auto_granted,
        "AutoGrantedValue": kind.auto_granted_value if kind.is_auto_granted else None,
    }


def qualification_members(held: Qualification) -> dict[str, Any]:
    return {
        "QualificationTypeId": held.type.mturk_id,
        "WorkerId": held.person.mturk_id,
        "GrantTime": held.granted_at,
        "IntegerValue": held.value,
        "Status": "Revoked" if held.is_revoked else "Granted",
    }


def request_members(asked: QualificationRequest) -> dict[str, Any]:
    return {
        "QualificationRequestId": asked.mturk_id,
        "QualificationTypeId": asked.type.mturk_id,
        "WorkerId": asked.person.mturk_id,
        "Test": asked.test or None,
        "Answer": asked.answer or None,
        "SubmitTime": asked.submitted_at,
    }
