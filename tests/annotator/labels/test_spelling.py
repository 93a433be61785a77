"""Counting errors between words, and which word is taken for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.spelling import correct_word, count_errors

WORDS = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "errors"),
    [
        ("cemetery", "cementery", 1),
        ("mountians", "mountains", 1),
        ("billard", "billiard", 1),
        ("", "ab", 2),
        ("a", "a", 0),
    ],
)
def test_errors_are_counted(first: str, second: str, errors: int) -> None:
    assert count_errors(first, second) == errors


@given(WORDS, WORDS)
def test_counting_is_symmetric_and_zero_only_for_equal_words(first: str, second: str) -> None:
    assert count_errors(first, second) == count_errors(second, first)
    assert (count_errors(first, second) == 0) == (first == second)


def test_ties_go_to_the_word_that_more_people_use_then_to_the_alphabet() -> None:
    assert correct_word("strips", counts={"stripe": 9, "strops": 8}, targets=[]) == "stripe"
    assert correct_word("strips", counts={}, targets=["strops", "stripe"]) == "stripe"


def test_short_words_and_other_first_letters_stay() -> None:
    assert correct_word("gaot", counts={}, targets=["goat"]) == "gaot"
    assert correct_word("kemetery", counts={}, targets=["cemetery"]) == "kemetery"
