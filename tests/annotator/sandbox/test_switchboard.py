"""What the marketplace does wrong on purpose: each switch, seen from a client."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from django.core.management import call_command

from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts
from annotator.sandbox.models import HIT, Requester
from tests.annotator.sandbox import serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE

NEW_HIT = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": EXTERNAL_QUESTION}


def test_a_lost_response_was_committed_and_the_token_finds_it(served: str) -> None:
    account = accounts.open_account("lab", balance_usd=Decimal(100), now=dt.datetime.now(dt.UTC))
    mturk = serving.connect(endpoint=served, key=account.access_key_id, secret=account.secret_access_key)
    switchboard.turn(lost_response_rate=1.0)
    with pytest.raises(HTTPClientError):
        mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")
    switchboard.reset()
    with pytest.raises(ClientError, match=HIT.objects.get().mturk_id):
        mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")
    assert HIT.objects.count() == 1


def test_throttling_is_a_throttling_exception_and_nothing_is_done(mturk: Any) -> None:
    switchboard.turn(throttle_rate=1.0)
    with pytest.raises(mturk.exceptions.ClientError, match="ThrottlingException"):
        mturk.create_hit(**NEW_HIT)
    assert not HIT.objects.exists()


def test_a_fault_is_a_service_fault_and_nothing_is_done(mturk: Any) -> None:
    switchboard.turn(fault_rate=1.0)
    with pytest.raises(mturk.exceptions.ServiceFault):
        mturk.create_hit(**NEW_HIT)
    assert not HIT.objects.exists()


def test_rates_are_met_and_repeat_with_their_seed(requester: Requester) -> None:
    board = switchboard.turn(throttle_rate=0.3, seed=7)
    first = [switchboard.draw(board).is_throttled for _ in range(200)]
    assert 40 <= sum(first) <= 80
    switchboard.reset()
    board = switchboard.turn(throttle_rate=0.3, seed=7)
    assert [switchboard.draw(board).is_throttled for _ in range(200)] == first


def test_an_exhausted_balance_refuses_what_costs(mturk: Any) -> None:
    switchboard.turn(is_balance_exhausted=True)
    assert mturk.get_account_balance()["AvailableBalance"] == "0.00"
    with pytest.raises(mturk.exceptions.RequestError, match="insufficient funds"):
        mturk.create_hit(**NEW_HIT)
    switchboard.reset()
    mturk.create_hit(**NEW_HIT)


def test_a_short_token_life_lets_a_token_make_a_second_hit(mturk: Any, move_clock: Callable[[float], None]) -> None:
    switchboard.turn(token_life_seconds=10.0)
    first = mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")["HIT"]["HITId"]
    move_clock(11)
    assert mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")["HIT"]["HITId"] != first


def test_a_clock_ahead_shows_in_what_it_dates_and_not_in_signatures(
    mturk: Any, move_clock: Callable[[float], None]
) -> None:
    move_clock(86_400)
    ahead = mturk.create_hit(**NEW_HIT)["HIT"]["CreationTime"] - dt.datetime.now(dt.UTC)
    assert 86_000 < ahead.total_seconds() < 86_500


def test_latency_is_waited(mturk: Any, monkeypatch: Any) -> None:
    waited: list[float] = []
    monkeypatch.setattr("annotator.sandbox.api.protocol.time.sleep", waited.append)
    switchboard.turn(latency_seconds=1.5)
    mturk.get_account_balance()
    assert waited == [1.5]


@pytest.mark.parametrize(
    "text", ["no_such_switch=1", "throttle_rate=2", "throttle_rate=on", "is_balance_exhausted=3", "x"]
)
def test_a_wrong_switch_is_refused_in_words(db: None, text: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("sandbox_switch", text)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert switchboard.read() == switchboard.Switchboard()


def test_switches_are_set_shown_and_reset_by_command(db: None, capsys: Any) -> None:
    call_command("sandbox_switch", "throttle_rate=0.5", "is_balance_exhausted=on")
    assert switchboard.read() == switchboard.Switchboard(throttle_rate=0.5, is_balance_exhausted=True)
    call_command("sandbox_switch", "--reset")
    assert '"throttle_rate": 0.0' in capsys.readouterr().out
