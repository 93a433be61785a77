"""A number and what it counts, as a sentence says it."""


def say_count(n: int, one: str, many: str = "") -> str:
    """`1 HIT`, `2 HITs`, `1,200 people`; `many` is given where a verb follows: `1 answer is`, `2 answers are`."""
    return f"{n:,} {one if n == 1 else many or _make_plural(one)}"


def _make_plural(noun: str) -> str:
    if noun.endswith("person"):
        return noun.removesuffix("person") + "people"
    if noun.endswith("y") and noun[-2] not in "aeou":
        return noun.removesuffix("y") + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch")) else "s")
