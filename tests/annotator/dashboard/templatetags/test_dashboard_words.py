"""Stored names as the dashboard writes them."""

from annotator.dashboard.templatetags.dashboard_words import name_words, reason_words, step_title


def test_stored_names_are_words() -> None:
    assert name_words("n_hits") == "hits"
    assert [step_title(name) for name in ("ask-all", "a step of yore")] == [
        "Ask more about each unit",
        "a step of yore",
    ]
    assert reason_words({"total_usd": "69.12", "seconds_per_assignment": 150}) == (
        "total USD: 69.12; seconds per assignment: 150"
    )


def test_a_sentence_and_an_answer_among_other_reasons_are_written_as_people_write() -> None:
    assert reason_words({"follow": True, "outcome": "All is approved.", "n_left": 0}) == (
        "follow: yes; outcome: All is approved; left: 0"
    )
