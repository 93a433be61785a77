"""What the marketplace refuses, with MTurk's error codes."""

from enum import StrEnum


class Code(StrEnum):
    """The part of TurkErrorCode after `AWS.MechanicalTurk.`."""

    ASSIGNMENT_DOES_NOT_EXIST = "AssignmentDoesNotExist"
    DOES_NOT_MEET_REQUIREMENTS = "DoesNotMeetRequirements"
    DUPLICATE_REQUEST = "DuplicateRequest"
    HIT_ALREADY_EXISTS = "HitAlreadyExists"
    HIT_DOES_NOT_EXIST = "HITDoesNotExist"
    HIT_LAYOUT_DOES_NOT_EXIST = "HITLayoutDoesNotExist"
    HIT_TYPE_DOES_NOT_EXIST = "HITTypeDoesNotExist"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    INVALID_ASSIGNMENT_STATE = "InvalidAssignmentState"
    INVALID_HIT_STATE = "InvalidHITState"
    INVALID_MAXIMUM_ASSIGNMENTS_INCREASE = "InvalidMaximumAssignmentsIncrease"
    INVALID_QUALIFICATION_STATE = "InvalidQualificationState"
    INVALID_QUALIFICATION_TYPE_STATE = "InvalidQualificationTypeState"
    INVALID_TRANSPORT_ENDPOINT = "InvalidTransportEndpoint"
    MISSING_PARAMETER = "MissingParameter"
    PARAMETER_VALIDATION_ERROR = "ParameterValidationError"
    QUALIFICATION_ALREADY_EXISTS = "QualificationAlreadyExists"
    QUALIFICATION_DOES_NOT_EXIST = "QualificationDoesNotExist"
    QUALIFICATION_REQUEST_DOES_NOT_EXIST = "QualificationRequestDoesNotExist"
    QUALIFICATION_TYPE_ALREADY_EXISTS = "QualificationTypeAlreadyExists"
    QUALIFICATION_TYPE_DOES_NOT_EXIST = "QualificationTypeDoesNotExist"
    WORKER_DOES_NOT_EXIST = "WorkerDoesNotExist"
    WORKER_NOT_ELIGIBLE = "WorkerNotEligible"
    XML_PARSE_ERROR = "XMLParseError"


class Refused(Exception):
    """The marketplace refuses this; `code` names the rule, the message says why."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def bad_parameter(message: str) -> Refused:
    return Refused(Code.PARAMETER_VALIDATION_ERROR, message)


class Malformed(Exception):
    """The call does not follow the protocol: AWS's layer before MTurk refuses it."""

    def __init__(self, kind: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
