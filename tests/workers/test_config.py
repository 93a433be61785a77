"""A GPU process with a bad setting says so in words and does not start."""

import pytest
from celery.signals import celeryd_init

from workers import config, tasks


@pytest.mark.parametrize(
    ("name", "value"), [("UNITSCOPE_CACHE_GB", "nan"), ("UNITSCOPE_CACHE_GB", "-1"), ("REDIS_URL", "bogus://x")]
)
def test_a_bad_value_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert tasks.refuse_bad_settings in [receiver() for _, receiver in celeryd_init.receivers]
    monkeypatch.setenv(name, value)
    if name == "REDIS_URL":
        monkeypatch.setattr(config, "broker_url", value)
    with pytest.raises(SystemExit, match=f"{name} must be"):
        celeryd_init.send(sender="gpu@here", instance=None, conf=None, options={})


@pytest.mark.parametrize(("written", "n_bytes"), [(".5", 500_000_000), ("2", 2_000_000_000), ("0.25", 250_000_000)])
def test_a_size_is_a_decimal(monkeypatch: pytest.MonkeyPatch, written: str, n_bytes: int) -> None:
    monkeypatch.setenv("UNITSCOPE_CACHE_GB", written)
    assert config.max_fetched_bytes() == n_bytes
