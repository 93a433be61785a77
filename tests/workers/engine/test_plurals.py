"""Sentences count one thing as one."""

from workers.engine.plurals import say_count


def test_one_is_singular() -> None:
    assert [say_count(n, "HIT") for n in (0, 1, 2, 1200)] == ["0 HITs", "1 HIT", "2 HITs", "1,200 HITs"]


def test_plurals_of_every_kind() -> None:
    nouns = ("entry", "day", "class", "simulated person")
    assert [say_count(2, one) for one in nouns] == ["2 entries", "2 days", "2 classes", "2 simulated people"]
    assert [say_count(n, "answer is", "answers are") for n in (1, 2)] == ["1 answer is", "2 answers are"]
