"""Several at once over real connections: one of them wins, the books agree."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.db import connections, transaction

from annotator.sandbox.acts import accounts, auditing, granting, membership, working
from annotator.sandbox.models import HIT, Assignment, LedgerEntry, QualificationType
from annotator.sandbox.rules.refusals import Refused
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import HIT_TYPE
from tests.conformance.documents import QUESTION
from tests.conformance.people import Worker
from tests.databases import wait_for_lock

N = 6


@pytest.fixture
def mturk(served: str) -> Any:
    account = accounts.open_account("lab", balance_usd=Decimal("2.00"), now=dt.datetime.now(dt.UTC))
    return serving.connect(endpoint=served, key=account.access_key_id, secret=account.secret_access_key)


def all_at_once(act: Any, inputs: list[Any]) -> list[str]:
    """What each met: nothing, or the error's code."""

    def run(given: Any) -> str:
        try:
            act(given)
        except ClientError as error:
            return str(error.response.get("TurkErrorCode")).removeprefix("AWS.MechanicalTurk.")
        return ""

    with ThreadPoolExecutor(N) as pool:
        return sorted(pool.map(run, inputs))


def new_hit(mturk: Any, **changes: Any) -> str:
    fields = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": QUESTION, **changes}
    return str(mturk.create_hit(**fields)["HIT"]["HITId"])


def test_two_places_go_to_two_of_six_people(mturk: Any, served: str) -> None:
    hit_id = new_hit(mturk, MaxAssignments=2)
    workers = [Worker(served, f"simulated-{number}") for number in range(N)]
    for worker in workers:
        worker.get(f"/worker/hits/{hit_id}/")
    all_at_once(lambda worker: worker.post(f"/worker/hits/{hit_id}/accept"), workers)
    assert Assignment.objects.count() == HIT.objects.get().n_accepted == 2
    assert sum('id="problem"' in worker.page for worker in workers) == N - 2


def test_an_assignment_is_paid_once_whoever_asks_how_often(mturk: Any, served: str) -> None:
    hit_id = new_hit(mturk)
    worker = Worker(served, "simulated-ada")
    assignment_id = worker.accept(hit_id)
    worker.submit(assignment_id, description="stripes")
    found = all_at_once(lambda _: mturk.approve_assignment(AssignmentId=assignment_id), list(range(N)))
    assert found == ["", *["InvalidAssignmentState"] * (N - 1)]
    assert LedgerEntry.objects.filter(reason="reward").count() == 1
    assert auditing.audit().findings == []


def test_a_token_sent_six_times_at_once_makes_one_hit(mturk: Any) -> None:
    found = all_at_once(lambda _: new_hit(mturk, UniqueRequestToken="once"), list(range(N)))
    assert found == ["", *["HitAlreadyExists"] * (N - 1)]
    assert HIT.objects.count() == 1


def test_the_balance_is_never_overdrawn(mturk: Any) -> None:
    """Three HITs of 0.60 fit into 2.00, whoever is first."""
    found = all_at_once(lambda _: new_hit(mturk), list(range(N)))
    assert found == ["", "", "", *["InsufficientFunds"] * (N - 3)]
    assert mturk.get_account_balance()["AvailableBalance"] == "0.20"
    assert auditing.audit().findings == []


def test_who_leaves_at_the_same_moment_holds_no_hit(mturk: Any) -> None:
    hit, now = HIT.objects.get(mturk_id=new_hit(mturk)), dt.datetime.now(dt.UTC)
    ada, _ = accounts.sign_up(name="ada", country="US", invitation=None, now=now)

    def accept() -> None:
        try:
            working.accept(ada, hit_id=hit.pk, now=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            membership.leave(ada, now=now)
            accepting = pool.submit(accept)
            wait_for_lock(accepting)
        with pytest.raises(Refused, match="paused"):
            accepting.result()
    assert not Assignment.objects.exists()


def test_a_qualification_that_is_deleted_at_the_same_moment_does_not_come_back(mturk: Any) -> None:
    made = mturk.create_qualification_type(Name="Cats", Description="Who knows.", QualificationTypeStatus="Active")
    kind = QualificationType.objects.get()

    def change() -> None:
        mturk.update_qualification_type(
            QualificationTypeId=made["QualificationType"]["QualificationTypeId"], Description="Who knows cats."
        )

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            granting.delete_type(kind, now=dt.datetime.now(dt.UTC))
            changing = pool.submit(change)
            wait_for_lock(changing)
        with pytest.raises(ClientError, match="does not exist"):
            changing.result()
    assert QualificationType.objects.get().deleted_at is not None
