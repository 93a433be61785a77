"""Stored names as the dashboard writes them."""

from annotator.dashboard.templatetags.dashboard_words import name_words, reason_words


def test_stored_names_are_words() -> None:
    assert name_words("n_hits") == "hits"
    assert reason_words({"total_usd": "69.12", "seconds_per_assignment": 150}) == (
        "total USD: 69.12; seconds per assignment: 150"
    )
