"""Sentences count one thing as one."""

from annotator.plurals import say_count


def test_one_is_singular() -> None:
    assert [say_count(n, "HIT") for n in (0, 1, 2, 1200)] == ["0 HITs", "1 HIT", "2 HITs", "1,200 HITs"]
