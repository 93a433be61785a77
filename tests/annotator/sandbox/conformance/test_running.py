"""The conformance suite passes on our own sandbox, over a real socket, and can tell what is not as documented."""

import datetime as dt
from decimal import Decimal

from annotator.sandbox.acts import accounts
from annotator.sandbox.api import shapes
from annotator.sandbox.api.operations import OPERATIONS
from annotator.sandbox.conformance.bench import Bench
from annotator.sandbox.conformance.case import Case
from annotator.sandbox.conformance.coverage import NOTES
from annotator.sandbox.conformance.running import CASES, run_cases, tabulate
from annotator.sandbox.rules.refusals import Code


def _bench(address: str) -> Bench:
    account = accounts.open_account("conformance", balance_usd=Decimal("1000000.00"), now=dt.datetime.now(dt.UTC))
    return Bench(endpoint=address, key=account.access_key_id, secret=account.secret_access_key, worker_site=address)


def test_every_check_passes_on_our_own_sandbox(served: str) -> None:
    outcomes = list(run_cases(_bench(served)))
    assert [(outcome.case.shows, outcome.problem) for outcome in outcomes if outcome.problem] == []
    assert all(outcome.was_run for outcome in outcomes)
    assert f"{len(CASES)} of {len(CASES)} checks passed, 0 not run; 39 of 39 operations." in tabulate(outcomes)


def test_a_check_that_fails_is_told_in_the_table(served: str) -> None:
    wrong = Case("GetHIT", "an unknown HIT is found", lambda bench: bench.mturk.get_hit(HITId="3NONE"))
    outcomes = list(run_cases(_bench(served), [wrong]))
    assert "not as documented" in tabulate(outcomes)
    assert "0 of 1 checks passed" in tabulate(outcomes)


def test_all_operations_of_the_api_are_served_checked_and_described() -> None:
    named = set(shapes.service().operation_names)
    assert len(named) == 39
    assert set(OPERATIONS) == set(NOTES) == {case.operation for case in CASES} == named


def test_every_error_code_is_provoked_by_some_check() -> None:
    provoked = {code for case in CASES for code in case.codes}
    # Said to people at the worker site, which is not the API.
    to_people = {Code.DOES_NOT_MEET_REQUIREMENTS, Code.WORKER_NOT_ELIGIBLE, Code.QUALIFICATION_ALREADY_EXISTS}
    assert provoked == {code.value for code in Code} - {code.value for code in to_people}
