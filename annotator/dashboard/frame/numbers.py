"""Whole numbers that an address or a form names."""

# What PostgreSQL's bigint holds for sure, and its integer.
MAX_KEY_DIGITS, MAX_DIGITS = 18, 8


def read_number(text: str, *, max_digits: int = MAX_DIGITS) -> int | None:
    """None if it is no whole number of 0 or more, or has more digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= max_digits else None


def read_key(text: str) -> int:
    """The number of a row; 0, which no row has, if the text is none."""
    return read_number(text, max_digits=MAX_KEY_DIGITS) or 0
