"""docs/sandbox.md says what the code does: its tables are the code's."""

from enum import StrEnum
from pathlib import Path

from annotator.sandbox.rules.states import ASSIGNMENT_TRANSITIONS, HIT_TRANSITIONS
from annotator.sandbox.switchboard import Switchboard
from tests.conformance.table import Outcome, find_checks, tabulate

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def test_the_conformance_table_is_that_of_a_run_without_a_failure() -> None:
    checks = find_checks()
    assert tabulate(checks, {check.test: Outcome() for check in checks}) in PAGE


def test_the_tables_of_states_are_the_codes() -> None:
    transitions: dict[tuple[StrEnum | None, StrEnum], str] = {**HIT_TRANSITIONS, **ASSIGNMENT_TRANSITIONS}
    for (before, after), through in transitions.items():
        assert f"| {before or '(new)'} | {after} | {through} |" in PAGE


def test_every_switch_is_described() -> None:
    for name in Switchboard.__dataclass_fields__:
        assert f"`{name}`" in PAGE
