"""What campaigns, networks and image sets may be called, and how any name stands in an address."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from annotator.names import (
    MAX_FILE_BYTES,
    NameRefused,
    NameTaken,
    check_name,
    claim_name,
    from_segment,
    to_file_name,
    to_segment,
)  # fmt: skip

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from("/\\.~%2Fa "))


@pytest.mark.parametrize("name", ["My Net v2", "名前", "हिन्दी", "שלום", "conv_1-b", "v1.2 (last)", "n" * 80, "7"])
def test_names_of_any_script_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "0 characters"), ("n" * 81, "81 characters"), ("a/b", "'/'"), ("..", "begins or ends"),
        ("a\nb", "U\\+000A"),
        ("-x", "begins"), (" a", "begins"), ("a ", "ends"), ("50%", "'%'"), ("a\u202eb", "U\\+202E"),
        ("a\0b", "U\\+0000"),
        ("it's", '"\'"'), ("a\\b", "holds"), ("~", "'~'"),
    ],
)  # fmt: skip
def test_others_are_refused_in_a_sentence_that_says_the_rule(name: str, why: str) -> None:
    with pytest.raises(NameRefused, match=rf"{why}.*letters and digits of any script"):
        check_name(name)


@given(name=TEXTS)
def test_an_address_stands_for_one_name(name: str) -> None:
    segment = to_segment(name)
    assert from_segment(segment) == name
    assert segment not in ("", ".", "..")
    assert not set(segment) & set("/\\\n")


@given(one=TEXTS, other=TEXTS)
def test_a_files_name_stands_for_one_name(one: str, other: str) -> None:
    assert (to_file_name(one) == to_file_name(other)) == (one == other)
    assert len(to_file_name(one).encode()) <= MAX_FILE_BYTES
    assert to_file_name(one)[0] != "."
    assert not set(to_file_name(one)) & set('/\\:*?"<>|\n')


@pytest.mark.parametrize("name", ["features.3", "net", "a-b_c", "layer4.1.conv2"])
def test_addresses_of_plain_names_are_as_before(name: str) -> None:
    assert to_segment(name) == to_file_name(name) == name


def test_no_address_names_a_null_character() -> None:
    for segment in ("a\0", "~00"):
        with pytest.raises(ValueError, match="null"):
            from_segment(segment)


def test_of_two_rows_of_one_name_the_second_is_refused(db: None) -> None:
    User.objects.create_user("rosa")
    with pytest.raises(NameTaken, match="'rosa' was given to something else just now"), claim_name("rosa"):
        User.objects.create_user("rosa")
    assert User.objects.count() == 1


def test_a_row_that_is_wrong_otherwise_is_no_matter_of_its_name(db: None) -> None:
    with pytest.raises(IntegrityError), claim_name("rosa"):
        User.objects.create(username="rosa", email=None)
