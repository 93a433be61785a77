"""A number and what it counts, as a sentence says it."""


def say_count(n: int, noun: str) -> str:
    """`1 HIT`, `2 HITs`; of nouns whose plural ends with s."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
