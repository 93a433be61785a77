"""Misspelled words, corrected against the campaign's own words and Broden's before any dictionary."""

from collections.abc import Iterable, Mapping

# Shorter words have too many neighbors: "plate" is one letter from "plane".
MIN_LENGTH = 6
MIN_LENGTH_FOR_TWO_ERRORS = 9
# A campaign's own word corrects another when so many answers use it, and so many times more than the other.
MIN_COUNT = 3
MIN_RATIO = 3


def count_errors(first: str, second: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbors that lead from one word to the other."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        older, before, row = before, row, [i]
        for j, b in enumerate(second, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


def correct_word(word: str, *, counts: Mapping[str, int], targets: Iterable[str]) -> str:
    """The nearest of `targets` (words that are right) or of the campaign's frequent words, else the word itself.

    Only a word with the same first letter counts. Ties: fewer errors, then more answers, then the alphabet.
    """
    if len(word) < MIN_LENGTH or not word.isalpha():
        return word
    allowed = 2 if len(word) >= MIN_LENGTH_FOR_TWO_ERRORS else 1
    needed = max(MIN_COUNT, MIN_RATIO * counts.get(word, 0))
    near = {target for target in targets if _may_be_near(word, target, allowed)}
    near |= {other for other, n in counts.items() if n >= needed and _may_be_near(word, other, allowed)}
    ranked = sorted((count_errors(word, other), -counts.get(other, 0), other) for other in near)
    return ranked[0][2] if ranked and ranked[0][0] <= allowed else word


def _may_be_near(word: str, other: str, allowed: int) -> bool:
    return word[0] == other[:1] and len(other) >= MIN_LENGTH - 1 and abs(len(word) - len(other)) <= allowed


def fold_spelling(words: str) -> str:
    """The same text for each spelling of one word: "light house", "light-house" and "Lighthouse" are "lighthouse"."""
    return "".join(letter for letter in words.casefold() if letter.isalnum()) or words
