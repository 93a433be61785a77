"""Run the checks against an endpoint, and put the outcome into a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from annotator.sandbox.conformance import hits, judging, people
from annotator.sandbox.conformance.bench import Bench, NotAsDocumented
from annotator.sandbox.conformance.case import Case
from annotator.sandbox.conformance.coverage import NOTES

CASES: list[Case] = [*hits.CASES, *judging.CASES, *people.CASES]


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty when all is as documented; `was_run` is off where nobody could do the work it needs."""

    case: Case
    was_run: bool = True
    problem: str = ""


def run_cases(bench: Bench, cases: Iterable[Case] = CASES) -> Iterable[Outcome]:
    """A check shared by several operations runs once."""
    problems: dict[object, str] = {}
    for case in cases:
        if case.needs_people and not bench.worker_site:
            yield Outcome(case, was_run=False)
            continue
        if case.check not in problems:
            problems[case.check] = _run(case, bench)
        yield Outcome(case, problem=problems[case.check])


def _run(case: Case, bench: Bench) -> str:
    try:
        case.check(bench)
    except NotAsDocumented as problem:
        return str(problem)
    except (ClientError, BotoCoreError, OSError, KeyError) as problem:
        return f"{type(problem).__name__}: {problem}"
    return ""


def tabulate(outcomes: list[Outcome]) -> str:
    """A Markdown table: for each operation what was seen, the error codes provoked, and what is not as at Amazon."""
    lines = ["| Operation | Checked | Error codes provoked | Notes |", "| --- | --- | --- | --- |"]
    for operation, note in sorted(NOTES.items()):
        mine = [outcome for outcome in outcomes if outcome.case.operation == operation]
        shown = "; ".join(f"{outcome.case.shows}{_mark(outcome)}" for outcome in mine)
        codes = sorted({code for outcome in mine if not outcome.problem for code in outcome.case.codes})
        lines.append(f"| {operation} | {shown} | {', '.join(codes)} | {note} |")
    n_good = sum(outcome.was_run and not outcome.problem for outcome in outcomes)
    n_operations = len({outcome.case.operation for outcome in outcomes if outcome.was_run and not outcome.problem})
    n_skipped = sum(not outcome.was_run for outcome in outcomes)
    lines.append("")
    lines.append(
        f"{n_good} of {len(outcomes)} checks passed, {n_skipped} not run; {n_operations} of {len(NOTES)} operations."
    )
    return "\n".join(lines)


def _mark(outcome: Outcome) -> str:
    if not outcome.was_run:
        return " (not run: it needs people at a worker site)"
    return f" (**not as documented**: {outcome.problem})" if outcome.problem else ""
