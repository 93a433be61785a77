"""The limits that MTurk documents in prose and that botocore's shapes do not have."""

from decimal import Decimal
from typing import Any

from annotator.sandbox.rules.fees import MOST_ASSIGNMENTS
from annotator.sandbox.rules.refusals import bad_parameter
from workers.engine.plurals import say_count

MAX_QUESTION_BYTES = 65_535
YEAR_SECONDS = 365 * 24 * 3600
MAX_MONEY_USD = Decimal("99999999.99")
# Name of the parameter: fewest and most characters.
TEXTS = {
    "Title": (1, 128),
    "Description": (1, 2000),
    "Keywords": (0, 1000),
    "RequesterAnnotation": (0, 255),
    "RequesterFeedback": (0, 1024),
    "Reason": (0, 1024),
    "Subject": (1, 200),
    "MessageText": (1, 4096),
    "Name": (1, 200),
    "Query": (0, 200),
    "QuestionIdentifier": (1, 255),
    "Destination": (1, 1024),
}
# Name of the parameter: least and greatest value.
NUMBERS = {
    "MaxAssignments": (1, MOST_ASSIGNMENTS),
    "NumberOfAdditionalAssignments": (1, MOST_ASSIGNMENTS),
    "LifetimeInSeconds": (30, YEAR_SECONDS),
    "AssignmentDurationInSeconds": (30, YEAR_SECONDS),
    "AutoApprovalDelayInSeconds": (0, 30 * 24 * 3600),
    "TestDurationInSeconds": (1, YEAR_SECONDS),
    "RetryDelayInSeconds": (0, YEAR_SECONDS),
}
DOCUMENTS = ("Question", "Test", "AnswerKey")
MAX_REQUIREMENTS = 10
MAX_WORKERS_NOTIFIED = 100


def check(values: dict[str, Any]) -> None:
    """Checks every top-level parameter against its limits. Raises Refused with the parameter's name."""
    for name, value in values.items():
        if name in TEXTS and isinstance(value, str):
            _check_text(name, value)
        elif name in NUMBERS:
            least, most = NUMBERS[name]
            if not least <= value <= most:
                raise bad_parameter(f"{name} must lie between {least} and {most}, not at {value}.")
        elif name in DOCUMENTS and len(value.encode()) > MAX_QUESTION_BYTES:
            raise bad_parameter(f"{name} must not be longer than {MAX_QUESTION_BYTES} bytes.")
    for name in ("Reward", "BonusAmount"):
        if name in values and Decimal(values[name]) > MAX_MONEY_USD:
            raise bad_parameter(f"{name} must not be more than {MAX_MONEY_USD}.")


def _check_text(name: str, value: str) -> None:
    least, most = TEXTS[name]
    if len(value) > most:
        raise bad_parameter(f"{name} must not be longer than {say_count(most, 'character')}.")
    if len(value.strip()) < least:
        raise bad_parameter(f"{name} must not be empty.")
