"""The table shows what is not as documented; it has every operation and every error code."""

from types import SimpleNamespace

from annotator.sandbox.api import shapes
from annotator.sandbox.api.operations.table import ADDED, OPERATIONS
from annotator.sandbox.rules.refusals import Code
from tests.conformance.conftest import read_outcomes
from tests.conformance.coverage import NOTES
from tests.conformance.table import Check, Outcome, find_checks, tabulate

CHECKS = find_checks()


def test_each_check_has_a_name_of_its_own() -> None:
    assert len({check.test for check in CHECKS}) > 40
    assert len({(check.test, check.operation) for check in CHECKS}) == len(CHECKS)


def test_a_check_that_fails_or_is_skipped_is_told_in_the_table() -> None:
    checks = [Check("test_a", "GetHIT", "unknown ids", ("HITDoesNotExist",)), Check("test_b", "ListHITs", "pages")]
    crash = SimpleNamespace(message="AssertionError: found\n  another")
    failed = SimpleNamespace(nodeid="test_hits.py::test_a", longrepr=SimpleNamespace(reprcrash=crash))
    skipped = SimpleNamespace(nodeid="test_hits.py::test_b")
    table = tabulate(checks, read_outcomes({"failed": [failed], "skipped": [skipped]}))
    assert "| GetHIT | unknown ids (**not as documented**: AssertionError: found another) |  |" in table
    assert "| ListHITs | pages (not run: it needs people at a worker site) |" in table
    assert "0 of 2 checks passed, 1 not run; 0 of 39 operations." in table
    assert "1 of 2 checks passed, 1 not run; 1 of 39 operations." in tabulate(checks, {"test_a": Outcome()})


def test_all_operations_of_the_api_are_served_checked_and_described() -> None:
    named = set(shapes.service().operation_names) - set(ADDED)
    assert len(named) == 39
    assert set(OPERATIONS) == set(NOTES) == {check.operation for check in CHECKS} == named


def test_every_error_code_is_provoked_by_some_check() -> None:
    provoked = {code for check in CHECKS for code in check.codes}
    # Said to people at the worker site, which is not the API.
    to_people = {Code.DOES_NOT_MEET_REQUIREMENTS, Code.WORKER_NOT_ELIGIBLE, Code.QUALIFICATION_ALREADY_EXISTS}
    assert provoked == {code.value for code in Code} - {code.value for code in to_people}
