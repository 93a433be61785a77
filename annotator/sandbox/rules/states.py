"""The table of states: what a HIT and an assignment may become, and by which event."""

from enum import StrEnum


class HITStatus(StrEnum):
    ASSIGNABLE = "Assignable"
    UNASSIGNABLE = "Unassignable"
    REVIEWABLE = "Reviewable"
    REVIEWING = "Reviewing"
    DISPOSED = "Disposed"


class AssignmentState(StrEnum):
    """Only the worker site shows the first and the last two; the API lists the three in the middle."""

    ACCEPTED = "Accepted"
    SUBMITTED = "Submitted"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    RETURNED = "Returned"
    ABANDONED = "Abandoned"


# A person may have one of these per HIT. After returning or abandoning it they may accept it again.
LIVE = (AssignmentState.ACCEPTED, AssignmentState.SUBMITTED, AssignmentState.APPROVED, AssignmentState.REJECTED)
LISTED = (AssignmentState.SUBMITTED, AssignmentState.APPROVED, AssignmentState.REJECTED)

ASSIGNMENT_TRANSITIONS: dict[tuple[AssignmentState | None, AssignmentState], str] = {
    (None, AssignmentState.ACCEPTED): "a person accepts",
    (AssignmentState.ACCEPTED, AssignmentState.SUBMITTED): "submitted before the deadline",
    (AssignmentState.ACCEPTED, AssignmentState.RETURNED): "returned by the person",
    (AssignmentState.ACCEPTED, AssignmentState.ABANDONED): "the deadline passed",
    (
        AssignmentState.SUBMITTED,
        AssignmentState.APPROVED,
    ): "ApproveAssignment, a review policy or the auto-approval delay",
    (AssignmentState.SUBMITTED, AssignmentState.REJECTED): "RejectAssignment or a review policy",
    (AssignmentState.REJECTED, AssignmentState.APPROVED): "ApproveAssignment with OverrideRejection within 30 days",
}

HIT_TRANSITIONS: dict[tuple[HITStatus | None, HITStatus], str] = {
    (None, HITStatus.ASSIGNABLE): "CreateHIT, CreateHITWithHITType",
    (HITStatus.ASSIGNABLE, HITStatus.UNASSIGNABLE): "the last assignment is accepted, or expired with work in progress",
    (HITStatus.ASSIGNABLE, HITStatus.REVIEWABLE): "expired with no work in progress",
    (HITStatus.UNASSIGNABLE, HITStatus.ASSIGNABLE): "returned, abandoned or extended before the expiration",
    (
        HITStatus.UNASSIGNABLE,
        HITStatus.REVIEWABLE,
    ): "the last work in progress is submitted, returned or abandoned",
    (HITStatus.REVIEWABLE, HITStatus.REVIEWING): "UpdateHITReviewStatus",
    (HITStatus.REVIEWING, HITStatus.REVIEWABLE): "UpdateHITReviewStatus with Revert",
    (HITStatus.REVIEWABLE, HITStatus.ASSIGNABLE): "extended: more assignments or a later expiration",
    (HITStatus.REVIEWING, HITStatus.ASSIGNABLE): "extended: more assignments or a later expiration",
    (HITStatus.REVIEWABLE, HITStatus.DISPOSED): "DeleteHIT, or 120 days after the expiration",
    (HITStatus.REVIEWING, HITStatus.DISPOSED): "DeleteHIT, or 120 days after the expiration",
}


class NoSuchTransition(Exception):
    """The tables above have no such row; the calling code is wrong."""


def check_hit_move(before: HITStatus, after: HITStatus) -> None:
    if before is not after and (before, after) not in HIT_TRANSITIONS:
        raise NoSuchTransition(f"A HIT does not become {after} from {before}.")


def check_assignment_move(before: AssignmentState, after: AssignmentState) -> None:
    if (before, after) not in ASSIGNMENT_TRANSITIONS:
        raise NoSuchTransition(f"An assignment does not become {after} from {before}.")


def next_hit_status(current: HITStatus, *, n_available: int, n_accepted: int, is_expired: bool) -> HITStatus:
    """A HIT's status, from its counts and expiration. Reviewing and Disposed were decided and are kept if possible."""
    if current is HITStatus.DISPOSED:
        return current
    if n_available > 0 and not is_expired:
        return HITStatus.ASSIGNABLE
    if n_accepted > 0:
        return HITStatus.UNASSIGNABLE
    return current if current is HITStatus.REVIEWING else HITStatus.REVIEWABLE
