"""The table of the checks: what was checked of each operation, which error codes occurred, and what differs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType

from tests.conformance import test_hits, test_judging, test_people
from tests.conformance.coverage import NOTES

MODULES = (test_hits, test_judging, test_people)


@dataclass(frozen=True)
class Check:
    """One `checks` mark: the test shows something of one operation and provokes these error codes."""

    test: str
    operation: str
    shows: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty if all is as documented; `was_run` is False if the test was skipped."""

    was_run: bool = True
    problem: str = ""


def find_checks(modules: Iterable[ModuleType] = MODULES) -> list[Check]:
    """In the order of the files and of the tests in them."""
    return [
        Check(name, mark.args[0], mark.args[1], mark.args[2:])
        for module in modules
        for name, test in vars(module).items()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "checks"
    ]


def tabulate(checks: Iterable[Check], outcomes: Mapping[str, Outcome]) -> str:
    """A Markdown table with one row per operation; `outcomes` by name of the test, an absent one was not run."""
    found = [(check, outcomes.get(check.test, Outcome(was_run=False))) for check in checks]
    lines = ["| Operation | Checked | Error codes provoked | Notes |", "| --- | --- | --- | --- |"]
    for operation, note in sorted(NOTES.items()):
        mine = [(check, outcome) for check, outcome in found if check.operation == operation]
        shown = "; ".join(f"{check.shows}{_mark(outcome)}" for check, outcome in mine)
        codes = sorted({code for check, outcome in mine if _is_good(outcome) for code in check.codes})
        lines.append(f"| {operation} | {shown} | {', '.join(codes)} | {note} |")
    good = [check for check, outcome in found if _is_good(outcome)]
    n_skipped = sum(not outcome.was_run for _, outcome in found)
    n_operations = len({check.operation for check in good})
    lines.append("")
    lines.append(
        f"{len(good)} of {len(found)} checks passed, {n_skipped} not run; {n_operations} of {len(NOTES)} operations."
    )
    return "\n".join(lines)


def _is_good(outcome: Outcome) -> bool:
    return outcome.was_run and not outcome.problem


def _mark(outcome: Outcome) -> str:
    if not outcome.was_run:
        return " (not run: it needs people at a worker site)"
    return f" (**not as documented**: {outcome.problem})" if outcome.problem else ""
