"""The list of payments and what comes back of it: exact addresses, and amounts that are no amounts."""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from annotator.sandbox.acts import paying_out
from annotator.sandbox.models import HIT, Payout, Person
from annotator.sandbox.rules import sealing
from tests.annotator.sandbox.conftest import NewPerson

pytestmark = pytest.mark.django_db


@pytest.fixture
def earner(mturk: Any, new_hit: Callable[..., HIT], new_person: NewPerson, visit: Any, accept: Any) -> Client:
    """The browser of somebody who is owed $0.50."""
    browser: Client = visit(new_person())
    assignment = accept(browser, new_hit())
    browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    mturk.approve_assignment(AssignmentId=assignment.mturk_id)
    return browser


def read_rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


@pytest.mark.parametrize("address", ["+49 170 1234567", "@ada-l", "DE02 1203 0000", "'ada'@example.org", 'a=b, "c"'])
def test_whoever_pays_gets_the_address_as_it_was_given(earner: Client, tmp_path: Path, address: str) -> None:
    earner.post("/worker/account", {"payout_address": address})
    (tmp_path / "payments.csv").write_text("that of last month, which others could read")
    call_command("sandbox_earnings", "--payments", "--csv", str(tmp_path / "payments.csv"))
    call_command("sandbox_earnings", "--csv", str(tmp_path / "earnings.csv"))
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert [row["recipient"] for row in read_rows(tmp_path / "payments.csv")] == [address]
    assert [row["payout_address"] for row in read_rows(tmp_path / "earnings.csv")] == [address]


NUMBERS = {
    "+49-170-1234567": "+49 170 1234567", "+1 (555) 123-4567": "+1 555 123 4567",
    "+(44) 20.7946.0000": "+44 20 7946 0000",
}  # fmt: skip


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_telephone_number_may_be_written_as_is_usual(
    earner: Client, tmp_path: Path, number: str, is_old: bool
) -> None:
    """`is_old`: it was stored as it was typed; then its form is sent again with an e-mail address."""
    if is_old:
        Person.objects.update(sealed_payout_address=sealing.seal(number, key=settings.PSEUDONYM_KEY))
    else:
        assert earner.post("/worker/account", {"payout_address": number}).status_code == 302
    call_command("sandbox_earnings", "--payments", "--csv", str(tmp_path / "payments.csv"))
    assert [row["recipient"] for row in read_rows(tmp_path / "payments.csv")] == [NUMBERS[number]]
    shown = earner.get("/worker/account").context["payout_address"]
    again = earner.post("/worker/account", {"payout_address": shown, "contact": "ada@example.org"})
    assert (again.status_code, Person.objects.get().contact) == (302, "ada@example.org")


@pytest.mark.parametrize(
    "address", ["=1+1", "-2", "+cmd|' /C calc'!A0", "@SUM(A1)", "+", "+1-1", "'=1+1", "''@SUM(A1)", "\uff1d1+1"]
)
def test_an_address_that_a_spreadsheet_would_run_is_refused(earner: Client, address: str) -> None:
    refused = earner.post("/worker/account", {"payout_address": address})
    assert (refused.status_code, "telephone number" in refused.content.decode()) == (400, True)
    assert refused.context["payout_address"] == address, "what was typed stays in the form"
    assert not Person.objects.get().sealed_payout_address


def test_such_an_address_of_before_the_rule_is_paid_nothing_and_run_by_no_spreadsheet(
    earner: Client, tmp_path: Path, capsys: Any
) -> None:
    person = Person.objects.get()
    person.sealed_payout_address = paying_out.seal_payout_address("=1+1")
    person.save()
    call_command("sandbox_earnings", "--payments", "--csv", str(tmp_path / "payments.csv"))
    assert read_rows(tmp_path / "payments.csv") == []
    assert person.mturk_id in capsys.readouterr().err
    call_command("sandbox_earnings", "--csv", str(tmp_path / "earnings.csv"))
    assert [row["payout_address"] for row in read_rows(tmp_path / "earnings.csv")] == ["'=1+1"]


def test_a_list_with_a_character_that_no_text_can_have_is_answered_in_words(earner: Client, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text("worker_id,amount,reference\nA\0B,0.50,one\n")
    with pytest.raises(CommandError, match="nobody here has the WorkerId"):
        call_command("sandbox_paid", str(file))
    file.write_text(f"worker_id,amount,reference\n{Person.objects.get().mturk_id},0.50,o\0ne\n")
    call_command("sandbox_paid", str(file))
    assert Payout.objects.get().reference == "one"


def test_a_reference_has_1_to_80_characters(earner: Client, tmp_path: Path) -> None:
    file, worker_id = tmp_path / "payments.csv", Person.objects.get().mturk_id
    for reference in ("", "r" * 81):
        file.write_text(f"worker_id,amount,reference\n{worker_id},0.01,{reference}\n")
        with pytest.raises(CommandError, match="Line 2: a reference has 1 to 80 characters"):
            call_command("sandbox_paid", str(file))
    file.write_text(f"worker_id,amount,reference\n{worker_id},0.01,r\n{worker_id},0.01,{'r' * 80}\n")
    call_command("sandbox_paid", str(file))
    assert sorted(len(one) for one in Payout.objects.values_list("reference", flat=True)) == [1, 80]


def test_who_earned_nothing_is_owed_nothing(new_person: NewPerson, tmp_path: Path) -> None:
    person, file = new_person(), tmp_path / "payments.csv"
    assert paying_out.find_earnings(person) == paying_out.Earnings(person, *[Decimal(0)] * 4)
    file.write_text(f"worker_id,amount,reference\n{person.mturk_id},0.01,r\n")
    with pytest.raises(CommandError, match=r"is owed \$0\.00"):
        call_command("sandbox_paid", str(file))
