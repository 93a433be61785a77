"""The histogram of peaks: bars fill the width, heights tell counts, the rule stands at the threshold."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.dashboard.units.unit_page import HEIGHT, WIDTH, draw_histogram


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=64), st.floats(-5, 5), st.floats(0.1, 9))
def test_bars_lie_inside_and_keep_the_order_of_counts(counts: list[int], low: float, span: float) -> None:
    chart = draw_histogram(counts=counts, low=low, high=low + span, threshold=low + span / 3)
    assert len(chart.bars) == len(counts)
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 1 for bar in chart.bars)
    assert all(bar.y + bar.height == pytest.approx(HEIGHT) and 0 <= bar.height <= HEIGHT + 1e-9 for bar in chart.bars)
    drawn = list(zip(counts, chart.bars, strict=True))
    for (a, one), (b, other) in itertools.pairwise(drawn):
        assert (a < b) == (one.height < other.height)


def test_the_rule_stands_at_the_threshold_and_only_within_the_range() -> None:
    assert draw_histogram(counts=[1, 2], low=0, high=4, threshold=1).rule_x == pytest.approx(WIDTH / 4)
    assert draw_histogram(counts=[1, 2], low=0, high=4, threshold=5).rule_x is None
    assert draw_histogram(counts=[3], low=2, high=2, threshold=2).rule_x is None


def test_bars_at_or_over_the_threshold_are_told_apart() -> None:
    chart = draw_histogram(counts=[1, 2, 3, 4], low=0, high=4, threshold=2)
    assert [bar.is_beyond for bar in chart.bars] == [False, False, True, True]
    assert chart.bars[1].words == "2 images with a peak from 1 to 2"
