"""Numbers and stored names as the dashboard writes them."""

import pytest

from annotator.dashboard.templatetags.dashboard_words import name_words, percent, reason_words


@pytest.mark.parametrize("cell", range(201))
def test_a_bound_of_an_interval_is_the_reports_two_digits(cell: int) -> None:
    share = cell / 200
    assert percent(share) == f"{int(f'{share:.2f}'.replace('.', ''))} %"


def test_stored_names_are_words() -> None:
    assert name_words("n_hits") == "hits"
    assert reason_words({"total_usd": "69.12", "seconds_per_assignment": 150}) == (
        "total USD: 69.12; seconds per assignment: 150"
    )
