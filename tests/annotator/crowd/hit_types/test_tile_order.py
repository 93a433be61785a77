"""Orders and planted negatives come from seeds, and nothing that a page shows tells a planted crop from a top one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.crowd.hit_types.tile_order import TileOrder, draw_order, draw_preview
from annotator.crowd.seeds import derive_seed
from tests.annotator.crowd.leaking import auc

TOP, LOW = range(57), range(57, 69)
N_ASSIGNMENTS = 2000


def orders(n: int) -> list[TileOrder]:
    return [
        draw_order(seed=derive_seed("hit", number % 40, f"A{number}"), top_ranks=TOP, low_ranks=LOW, n_planted=3)
        for number in range(n)
    ]


@given(st.integers(0, 2**63 - 1), st.integers(1, 57), st.integers(0, 12))
def test_an_order_shows_every_top_crop_once_and_the_planted_among_the_low(seed: int, n_top: int, n_low: int) -> None:
    order = draw_order(seed=seed, top_ranks=range(n_top), low_ranks=range(n_top, n_top + n_low), n_planted=3)
    assert len(set(order.shown_ranks)) == len(order.shown_ranks) == n_top + min(3, n_low)
    assert set(order.planted_ranks) == {rank for rank in order.shown_ranks if rank >= n_top}
    assert order == draw_order(seed=seed, top_ranks=range(n_top), low_ranks=range(n_top, n_top + n_low), n_planted=3)


def test_seeds_are_written_down() -> None:
    # Pinned: another value would show every running campaign's people other crops after an upgrade.
    assert derive_seed("hit", 0, "A0") == 3_382_337_552_182_477_572
    drawn = draw_order(seed=1, top_ranks=range(5), low_ranks=range(5, 9), n_planted=2)
    assert drawn == TileOrder(shown_ranks=(3, 4, 1, 6, 2, 0, 7), planted_ranks=(6, 7))


def test_the_oracle_finds_a_leak_where_there_is_one() -> None:
    assert auc([3, 4, 5], [1, 2]) == 1
    assert auc([1, 1], [1, 1]) == 0.5


@pytest.mark.parametrize("feature", ["position", "row", "column", "distance from the middle", "sheet"])
def test_the_place_on_the_page_tells_nothing(feature: str) -> None:
    compute = {
        "position": lambda p: p,
        "row": lambda p: p // 10,
        "column": lambda p: p % 10,
        "distance from the middle": lambda p: abs(p - 29.5),
        "sheet": lambda p: p // 20,
    }[feature]
    planted: list[float] = []
    top: list[float] = []
    for order in orders(N_ASSIGNMENTS):
        for position, rank in enumerate(order.shown_ranks):
            (planted if rank in order.planted_ranks else top).append(compute(position))
    assert len(planted) == 3 * N_ASSIGNMENTS
    assert auc(planted, top) <= 0.55


def test_neighbors_tell_nothing() -> None:
    """Planted crops stand neither together nor apart: the distance to the nearest crop of the same unit's low tenth."""
    apart: list[float] = []
    chance: list[float] = []
    draw = random.Random(1)
    for order in orders(N_ASSIGNMENTS):
        places = [order.shown_ranks.index(rank) for rank in order.planted_ranks]
        apart.append(min(abs(a - b) for a in places for b in places if a != b))
        others = draw.sample(range(60), 3)
        chance.append(min(abs(a - b) for a in others for b in others if a != b))
    assert auc(apart, chance) <= 0.55


def test_meeting_a_crop_in_the_preview_tells_nothing() -> None:
    planted: list[float] = []
    top: list[float] = []
    for number, order in enumerate(orders(N_ASSIGNMENTS)):
        preview = set(draw_preview(seed=number % 400, ranks=range(69)))
        for rank in order.shown_ranks:
            (planted if rank in order.planted_ranks else top).append(rank in preview)
    assert auc(planted, top) <= 0.55


def test_a_person_sees_the_planted_of_another_persons_page_seldom() -> None:
    """Drawn for each assignment: two people's planted negatives are the same three in 1 of 220 pairs."""
    drawn = [frozenset(order.planted_ranks) for order in orders(N_ASSIGNMENTS)]
    same = sum(a == b for a, b in zip(drawn[::2], drawn[1::2], strict=True)) / (N_ASSIGNMENTS / 2)
    assert same < 0.02
