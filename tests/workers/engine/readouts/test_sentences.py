"""BLEU and CIDEr against figures worked out by hand, and a slow plain re-implementation."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from workers.engine.readouts.sentences import find_bleu, find_cider


def test_bleu_clips_counts_and_punishes_brevity() -> None:
    """The two examples of [PRWZ02] 2.1: seven times the same word, and a candidate of two words."""
    references = [[["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]]]
    assert find_bleu([["the"] * 7], references)[0] == pytest.approx(2 / 7)
    both = find_bleu([["the", "cat", "sat", "on", "the", "mat"]], references)
    assert both == pytest.approx([5 / 6, math.sqrt(5 / 6 * 3 / 5), (5 / 6 * 3 / 5 * 1 / 4) ** (1 / 3), 0])
    assert find_bleu([["the", "cat"]], references)[0] == pytest.approx(math.exp(1 - 6 / 2))
    assert find_bleu([[]], references) == [0, 0, 0, 0]


def _plain_cider(said: Sequence[list[str]], references: Sequence[list[list[str]]], place: int) -> float:
    """Formula (2) and (3) of [VZP15], gram by gram."""
    total = 0.0
    for n in (1, 2, 3, 4):

        def grams(text: list[str], n: int = n) -> list[tuple[str, ...]]:
            return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]

        known = sorted({g for some in references for one in some for g in grams(one)} | set(grams(said[place])))

        def vector(text: list[str], known: list[tuple[str, ...]] = known) -> np.ndarray:
            own = grams(text)
            values = []
            for gram in known:
                n_with = sum(any(gram in grams(one) for one in some) for some in references)
                values.append(own.count(gram) / max(1, len(own)) * math.log(len(said) / max(1, n_with)))
            return np.array(values)

        mine = vector(said[place])
        for one in references[place]:
            other = vector(one)
            length = np.linalg.norm(mine) * np.linalg.norm(other)
            total += 10 / 4 / len(references[place]) * (float(mine @ other / length) if length else 0.0)
    return total


def test_cider_is_that_of_the_plain_formula() -> None:
    references = [
        [["a", "dog", "runs", "on", "grass"], ["the", "dog", "runs"]],
        [["a", "man", "rides", "a", "bike"], ["man", "on", "a", "bike"]],
        [["two", "cats", "sleep", "on", "a", "bed"]],
    ]
    said = [["a", "dog", "runs", "fast"], ["a", "man", "rides", "a", "bike"], ["dog"]]
    found = find_cider(said, references)
    assert found == pytest.approx([_plain_cider(said, references, place) for place in range(3)])
    assert found[1] > found[0] > found[2] == 0
