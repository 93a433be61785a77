"""The two review policies: their parameters, and the scores they compute. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotator.sandbox.rules.refusals import bad_parameter

KNOWN_ANSWERS = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"
MAX_ANSWER = 256
MAX_QUESTIONS = 15
YEAR_SECONDS = 365 * 24 * 3600
# A person's answers: question -> the set of values given.
Answers = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Actions:
    """What a policy does with a score; None: it does not take this action."""

    approve_at_least: int | None = None
    reject_below: int | None = None
    reject_reason: str = ""
    approve_reason: str = ""
    extend_below: int | None = None
    extend_maximum: int = 5
    extend_seconds: int = 0


@dataclass(frozen=True)
class KnownAnswers:
    key: Answers
    actions: Actions


@dataclass(frozen=True)
class Plurality:
    questions: tuple[str, ...]
    threshold: int
    actions: Actions
    disregard_rejected: bool = False
    disregard_known_below: int | None = None


class _Parameters:
    """The parameters of a policy by name; each is read once, and unknown ones are refused."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.found = {parameter.get("Key", "").strip(): parameter for parameter in policy.get("Parameters", [])}

    def values(self, name: str) -> list[str]:
        return list(self.found.pop(name, {}).get("Values", []))

    def text(self, name: str) -> str:
        return (self.values(name) or [""])[0]

    def number(self, name: str, *, least: int, most: int) -> int | None:
        if name not in self.found:
            return None
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or not least <= int(text[:10]) <= most:
            raise bad_parameter(f"{name} must be a whole number from {least} to {most}.")
        return int(text)

    def flag(self, name: str) -> bool:
        text = self.text(name) or "false"
        if text.lower() not in ("t", "f", "true", "false"):
            raise bad_parameter(f"{name} must be true or false.")
        return text.lower() in ("t", "true")

    def finish(self) -> None:
        if self.found:
            raise bad_parameter(f"This review policy has no parameter {next(iter(self.found))!r}.")


def read_known_answers(policy: Mapping[str, Any]) -> KnownAnswers:
    """Raises Refused."""
    parameters = _Parameters(policy)
    entries = parameters.found.pop("AnswerKey", {}).get("MapEntries", [])
    key = {entry.get("Key", ""): _clean(entry.get("Values", [])) for entry in entries}
    if not key or "" in key:
        raise bad_parameter(f"{KNOWN_ANSWERS} needs an AnswerKey with MapEntries.")
    actions = Actions(
        approve_at_least=parameters.number("ApproveIfKnownAnswerScoreIsAtLeast", least=0, most=101),
        approve_reason=parameters.text("ApproveReason"),
        reject_below=parameters.number("RejectIfKnownAnswerScoreIsLessThan", least=0, most=101),
        reject_reason=parameters.text("RejectReason"),
        extend_below=parameters.number("ExtendIfKnownAnswerScoreIsLessThan", least=0, most=101),
        extend_maximum=parameters.number("ExtendMaximumAssignments", least=2, most=25) or 5,
        extend_seconds=parameters.number("ExtendMinimumTimeInSeconds", least=60, most=YEAR_SECONDS) or 0,
    )
    parameters.finish()
    return KnownAnswers(key, actions)


def read_plurality(policy: Mapping[str, Any]) -> Plurality:
    """Raises Refused."""
    parameters = _Parameters(policy)
    questions = tuple(
        part.strip() for text in parameters.values("QuestionIds") for part in text.split(",") if part.strip()
    )
    threshold = parameters.number("QuestionAgreementThreshold", least=0, most=100)
    if not 1 <= len(questions) <= MAX_QUESTIONS or threshold is None:
        raise bad_parameter(f"{PLURALITY} needs 1 to {MAX_QUESTIONS} QuestionIds and a QuestionAgreementThreshold.")
    extend_below = parameters.number("ExtendIfHITAgreementScoreIsLessThan", least=1, most=100)
    maximum = parameters.number("ExtendMaximumAssignments", least=2, most=1_000_000_000)
    seconds = parameters.number("ExtendMinimumTimeInSeconds", least=3600, most=YEAR_SECONDS)
    if extend_below is not None and (maximum is None or seconds is None):
        raise bad_parameter(
            "ExtendIfHITAgreementScoreIsLessThan needs ExtendMaximumAssignments and ExtendMinimumTimeInSeconds."
        )
    actions = Actions(
        approve_at_least=parameters.number("ApproveIfWorkerAgreementScoreIsAtLeast", least=0, most=101),
        reject_below=parameters.number("RejectIfWorkerAgreementScoreIsLessThan", least=0, most=101),
        reject_reason=parameters.text("RejectReason"),
        extend_below=extend_below,
        extend_maximum=maximum or 0,
        extend_seconds=seconds or 0,
    )
    read = Plurality(
        questions, threshold, actions, parameters.flag("DisregardAssignmentIfRejected"),
        parameters.number("DisregardAssignmentIfKnownAnswerScoreIsLessThan", least=0, most=101),
    )  # fmt: skip
    parameters.finish()
    return read


def _clean(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.strip() for value in values)


def check_known(key: Answers, given: Answers) -> dict[str, bool]:
    """By question: whether exactly the known values were given. An empty key, or an empty answer, never matches."""
    return {question: bool(wanted) and given.get(question) == wanted for question, wanted in key.items()}


def percentage(n: int, of: int) -> int:
    """Rounded down, as in Amazon's own example: two of three are 66."""
    return 100 * n // of if of else 0


@dataclass(frozen=True)
class Agreement:
    """What a HIT's answers agree on: the answer and its share by question (None: no agreed answer), and scores."""

    agreed: dict[str, frozenset[str] | None]
    level: dict[str, int]
    hit_score: int
    worker_scores: dict[str, int | None]


def find_agreement(policy: Plurality, answers: Mapping[str, Answers]) -> Agreement:
    """`answers` by assignment. Answers that are too long count as absent.

    With a tie for the most frequent answer there is no agreement.
    """
    agreed: dict[str, frozenset[str] | None] = {}
    level: dict[str, int] = {}
    for question in policy.questions:
        counts = Counter(given[question] for given in answers.values() if _is_usable(given.get(question)))
        best = counts.most_common(2)
        is_tied = len(best) == 2 and best[0][1] == best[1][1]
        level[question] = percentage(best[0][1], len(answers)) if best else 0
        agreed[question] = best[0][0] if best and not is_tied and level[question] > policy.threshold else None
    settled = {question: answer for question, answer in agreed.items() if answer is not None}
    workers = {
        who: percentage(sum(given.get(q) == answer for q, answer in settled.items()), len(settled)) if settled else None
        for who, given in answers.items()
    }
    return Agreement(agreed, level, percentage(len(settled), len(policy.questions)), workers)


def _is_usable(values: frozenset[str] | None) -> bool:
    return bool(values) and all(len(value) <= MAX_ANSWER for value in values or ())
