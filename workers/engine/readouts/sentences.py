"""How alike sentences are to what people said: BLEU [PRWZ02] and CIDEr [VZP15], without stemming or smoothing.

Sentences are lists of words. BLEU is of a corpus: clipped counts of n-grams are summed over sentences, with the penalty
for brevity by the reference of nearest length. CIDEr is the mean over n = 1..4 of ten times the mean cosine between
tf-idf vectors of n-grams; document frequencies are of the references.
"""

import math
from collections import Counter
from collections.abc import Sequence

Sentence = Sequence[str]
Grams = Counter[tuple[str, ...]]
N_MAX = 4
TEN = 10.0


def count_grams(sentence: Sentence, n: int) -> Grams:
    return Counter(tuple(sentence[place : place + n]) for place in range(len(sentence) - n + 1))


def find_bleu(said: Sequence[Sentence], references: Sequence[Sequence[Sentence]]) -> list[float]:
    """BLEU-1 to BLEU-4 of one sentence per photograph."""
    own_length = sum(map(len, said))
    length = sum(
        min((abs(len(one) - len(text)), len(one)) for one in some)[1]
        for text, some in zip(said, references, strict=True)
    )
    penalty = 1.0 if own_length > length else math.exp(1 - length / own_length) if own_length else 0.0
    found, product = [], 1.0
    for n in range(1, N_MAX + 1):
        hits = total = 0
        for text, some in zip(said, references, strict=True):
            grams = count_grams(text, n)
            allowed: Grams = Counter()
            for one in some:
                allowed |= count_grams(one, n)
            hits += sum((grams & allowed).values())
            total += sum(grams.values())
        product *= hits / total if total else 0.0
        found.append(penalty * product ** (1 / n))
    return found


def find_cider(said: Sequence[Sentence], references: Sequence[Sequence[Sentence]]) -> list[float]:
    """Of each photograph's sentence; their mean is the corpus's."""
    values = [0.0] * len(said)
    for n in range(1, N_MAX + 1):
        counts = [[count_grams(one, n) for one in some] for some in references]
        documents: Counter[tuple[str, ...]] = Counter(
            gram for some in counts for gram in set().union(*some)
        )  # fmt: skip
        weights = {gram: math.log(len(said) / times) for gram, times in documents.items()}
        new = math.log(len(said))
        for place, (text, some) in enumerate(zip(said, counts, strict=True)):
            own = _weigh(count_grams(text, n), weights, new)
            alike = [_find_cosine(own, _weigh(one, weights, new)) for one in some]
            values[place] += TEN * sum(alike) / len(alike) / N_MAX
    return values


def _weigh(grams: Grams, weights: dict[tuple[str, ...], float], new: float) -> dict[tuple[str, ...], float]:
    """Term frequency times inverse document frequency."""
    total = sum(grams.values())
    return {gram: times / total * weights.get(gram, new) for gram, times in grams.items()}


def _find_cosine(one: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
    lengths = math.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in other.values()))
    return sum(value * other.get(gram, 0.0) for gram, value in one.items()) / lengths if lengths else 0.0
