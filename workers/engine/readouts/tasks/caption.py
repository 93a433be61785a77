"""Captions, with a map for each word. A toy: some thousand captions teach words, not sentences.

docs/readouts.md, Captions. The map of word t is sum_k (d s_t / d x_k) f_k / |F|, s_t the score of the chosen word.
"""

from collections import Counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.plurals import say_count
from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.caption_learning import Pairs, learn_captions
from workers.engine.readouts.caption_network import N_SPECIAL, CaptionNetwork, say, say_why
from workers.engine.readouts.captions import read_captions
from workers.engine.readouts.judging import tell, tell_gain, tell_mean
from workers.engine.readouts.linear import Weights, normalize_rows
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.sentences import N_MAX, find_bleu, find_cider
from workers.engine.readouts.shown import Shown, ShownWord, Wanted
from workers.engine.readouts.splits import find_test
from workers.engine.readouts.words import split_words
from workers.engine.resampling import Estimate, draw

MIN_WORDS = 4
# A BLEU is of a whole corpus, so that each resample is counted again.
N_RESAMPLES, SEED = 200, 2016

Texts = list[list[list[str]]]


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, LayerError, NetworkError."""
    captioned = read_captions(bench.data, bench.images)
    paths = list(captioned.captions)
    features = bench.pool(captioned.folder, paths)
    rows = np.flatnonzero(features.is_readable)
    kept, x = [paths[row] for row in rows], torch.from_numpy(normalize_rows(features.values[rows]))
    texts: Texts = [[split_words(one) for one in captioned.captions[path]] for path in kept]
    is_test, split = find_test(kept, bench.options, [captioned.is_test[path] for path in kept])
    training, test = np.flatnonzero(~is_test).tolist(), np.flatnonzero(is_test).tolist()
    vocabulary = _list_frequent(texts, training, test)
    pairs = Pairs.number([(place, text) for place in training for text in texts[place]], vocabulary)
    network = learn_captions(bench, x, pairs, n_words=len(vocabulary) + N_SPECIAL)
    said = [[vocabulary[word - N_SPECIAL] for word in one] for one in say(network, x[test])]
    nearest = (x[test] @ x[training].T).argmax(dim=1).tolist()
    others = [texts[training[place]][0] for place in nearest]
    report = {
        "n_images": len(kept), "n_training": len(training), "n_test": len(test), "n_words": len(vocabulary),
        "split": split, "is_toy": True,
        **judge(said, others, [texts[place] for place in test]),
    }  # fmt: skip
    arrays = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    return Fitted({"names": [], "vocabulary": vocabulary}, arrays, report)


def _list_frequent(texts: Texts, training: list[int], test: list[int]) -> list[str]:
    """The words that are learned, in alphabetical order. Raises ReadoutInvalid if that is too little."""
    counts = Counter(word for place in training for text in texts[place] for word in text)
    vocabulary = sorted(word for word, n in counts.items() if n >= MIN_WORDS)
    if not vocabulary or not training or len(test) < 2:
        raise ReadoutInvalid(
            f"Too little to learn from: {say_count(len(training), 'photograph')}, {len(vocabulary)} of its words occur "
            f"{MIN_WORDS} times or more, {say_count(len(test), 'photograph')} for the test."
        )
    return vocabulary


def judge(said: list[list[str]], others: list[list[str]], references: Texts) -> dict[str, Any]:
    """BLEU-1 to 4 and CIDEr beside those of the nearest training photograph's first caption."""
    told: dict[str, Any] = {}
    for ending, texts in (("", said), ("_nearest", others)):
        bleu = find_bleu(texts, references)
        low, high = _resample_bleu(texts, references)
        told |= {
            f"bleu{n + 1}{ending}": tell(Estimate(bleu[n], min(low[n], bleu[n]), max(high[n], bleu[n])))
            for n in range(N_MAX)
        }
        told[f"cider{ending}"] = tell_mean(find_cider(texts, references))
    own, nearest = (np.array(find_cider(texts, references)) for texts in (said, others))
    return {**told, "cider_gain": tell_gain(own, nearest)}


def _resample_bleu(texts: list[list[str]], references: Texts) -> tuple[list[float], list[float]]:
    found = []
    for chunk in draw(n=len(texts), seed=SEED, n_resamples=N_RESAMPLES):
        for times in chunk.astype(np.int64):
            chosen = np.repeat(np.arange(len(texts)), times).tolist()
            found.append(find_bleu([texts[i] for i in chosen], [references[i] for i in chosen]))
    low, high = np.quantile(np.array(found), (0.025, 0.975), axis=0)
    return low.tolist(), high.tolist()


def show(readout: Readout, maps: NDArray[np.float32], wanted: Wanted) -> Shown:
    """The sentence; its score is the sum of its words', and so is its map."""
    if wanted.answer or wanted.against:
        raise ReadoutInvalid("A read-out of captions has no list of answers; leave out --answer and --against.")
    vocabulary = readout.facts["vocabulary"]
    network = CaptionNetwork(n_units=readout.n_units, n_words=len(vocabulary) + N_SPECIAL)
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in readout.arrays.items()})
    pooled = maps.mean(axis=(1, 2))[None]
    x = normalize_rows(pooled)[0]
    said = say_why(network.eval(), torch.from_numpy(x))
    words = [vocabulary[word - N_SPECIAL] for word in said.words]
    shown = [
        ShownWord(word, score, _weigh(gradient, score, x))
        for word, score, gradient in zip(words, said.scores, said.gradients, strict=True)
    ]
    return Shown(
        prediction=" ".join(words),
        score=float(sum(said.scores)),
        words=tuple(shown),
        weights=_weigh(said.gradients.sum(axis=0), float(sum(said.scores)), x),
    )


def _weigh(gradient: NDArray[np.float64], score: float, x: NDArray[np.float32]) -> Weights:
    """To first order; the bias is what is left of the score."""
    return Weights(gradient, score - float(gradient @ x.astype(np.float64)))
