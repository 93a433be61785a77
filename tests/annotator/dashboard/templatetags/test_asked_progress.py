"""How far an answer is: a bar where it is known, words where it is not."""

from types import SimpleNamespace

from django.template.loader import render_to_string


def show(*, n_done: int, n_total: int) -> str:
    word = SimpleNamespace(n_done=n_done, n_total=n_total)
    return render_to_string("dashboard/frame/asked_progress.html", {"stage": "pooling the units", "word": word})


def test_a_known_share_is_a_bar() -> None:
    part = show(n_done=864, n_total=1_500)
    assert "864 of 1,500" in part
    assert "width: 57.60%" in part
    assert 'aria-valuenow="864.00"' in part


def test_an_unknown_one_is_words() -> None:
    part = show(n_done=0, n_total=0)
    assert "Pooling the units …" in part
    assert "us-bar" not in part
