"""Linear support vector machines, one for each class against the others. [ZKLOT16] 4, docs/readouts.md, Classes."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.examples import Examples, read_examples
from workers.engine.readouts.judging import find_precision, tell_gain, tell_mean, tell_precision, tell_share
from workers.engine.readouts.linear import Linear, normalize_rows
from workers.engine.readouts.options import CLASSIFY
from workers.engine.readouts.pixels import judge_pixels
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Shown, Wanted, rank

LEARNING = "learning"
# The inverse strengths of the penalty that are tried, by cross-validation over so many parts of what is trained on.
STRENGTHS, FOLDS = (0.1, 1.0, 10.0), 3
MAX_ITERATIONS = 20_000

Values = NDArray[np.float32]
Flags = NDArray[np.bool_]


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, ImageSetError, LayerError, NetworkError."""
    examples = read_examples(bench)
    x, training = normalize_rows(examples.features), ~examples.is_test
    c = bench.options.c or choose_strength(x[training], examples.truth[training])
    n_rounds, rows = bench.options.hard_negatives, []
    for place in range(len(examples.names)):
        rows.append(learn(x[training], examples.truth[training, place], c=c, n_rounds=n_rounds))
        bench.progress(LEARNING, place + 1, len(examples.names))
    linear = Linear(np.stack([w for w, _ in rows]), np.array([b for _, b in rows], np.float32))
    report = {
        "n_images": len(x),
        "n_training": int(training.sum()),
        "n_test": int(examples.is_test.sum()),
        "split": examples.split,
        "test_share": round(float(examples.is_test.mean()), 4),
        "c": c,
        "hard_negatives": n_rounds,
        **judge(linear, examples),
        **(judge_pixels(bench, linear, examples) if examples.labeled is not None else {}),
    }
    return Fitted({"names": examples.names}, {"weight": linear.weight, "bias": linear.bias}, report)


def choose_strength(x: Values, truth: Flags) -> float:
    """The one of highest mean average precision over classes; of equal ones the smallest."""
    folds = np.arange(len(x)) % FOLDS
    found = [np.nanmean([_try(x, column, folds, c) for column in truth.T]) for c in STRENGTHS]
    return STRENGTHS[int(np.argmax(np.round(found, 4)))]


def _try(x: Values, column: Flags, folds: NDArray[np.int64], c: float) -> float:
    scores = np.full(len(x), np.nan)
    for fold in range(FOLDS):
        own = folds == fold
        if column[~own].any() and not column[~own].all():
            weight, bias = learn(x[~own], column[~own], c=c)
            scores[own] = x[own] @ weight + bias
    known = np.isfinite(scores)
    return find_precision(scores[known], column[known])


def learn(x: Values, truth: Flags, *, c: float, n_rounds: int = 0) -> tuple[Values, float]:
    """Weights (K,) and bias. With rounds: at first as many negatives as positives are seen, evenly chosen; each round
    adds as many of those that score highest, until none is new.
    """
    positives, negatives = np.flatnonzero(truth), np.flatnonzero(~truth)
    if not n_rounds:
        return _learn(x, truth, c)
    step = max(1, len(negatives) // len(positives))
    seen = set(negatives[::step].tolist())
    for _ in range(n_rounds):
        some = np.concatenate([positives, np.array(sorted(seen), dtype=np.int64)])
        weight, bias = _learn(x[some], truth[some], c)
        others = np.array([one for one in negatives.tolist() if one not in seen], dtype=np.int64)
        if not len(others):
            break
        hardest = np.argsort(-(x[others] @ weight + bias), kind="stable")[: len(positives)]
        seen.update(others[hardest].tolist())
    some = np.concatenate([positives, np.array(sorted(seen), dtype=np.int64)])
    return _learn(x[some], truth[some], c)


def _learn(x: Values, truth: Flags, c: float) -> tuple[Values, float]:
    with warnings.catch_warnings():
        # The solution is then close enough for a read-out; nothing else depends on it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = LinearSVC(C=c, max_iter=MAX_ITERATIONS, random_state=0).fit(x, truth)
    return np.asarray(found.coef_[0], np.float32), float(found.intercept_[0])


def judge(linear: Linear, examples: Examples) -> dict[str, Any]:
    """Of the test photographs: accuracy beside the most frequent class, or average precision beside chance."""
    scores, truth = linear.score(examples.features[examples.is_test]), examples.truth[examples.is_test]
    precisions = [find_precision(scores[:, place], truth[:, place]) for place in range(truth.shape[1])]
    told: dict[str, Any] = {
        "n_classes": len(examples.names),
        "precision": tell_mean(precisions),
        "precision_chance": tell_mean(truth.mean(axis=0)),
        "classes": [
            {"name": name, "n_test": int(column.sum()), "precision": value, "chance": float(column.mean())}
            for name, column, value in zip(examples.names, truth.T, precisions, strict=True)
        ],
    }
    if len(examples.names) == 1:
        told |= {"precision": tell_precision(scores[:, 0], truth[:, 0])}
    if examples.is_exclusive:
        majority = int(examples.truth[~examples.is_test].sum(axis=0).argmax())
        hits, common = truth[np.arange(len(truth)), scores.argmax(axis=1)], truth[:, majority]
        told |= {
            "accuracy": tell_share(hits), "accuracy_majority": tell_share(common),
            "majority": examples.names[majority], "gain_over_majority": tell_gain(hits, common),
        }  # fmt: skip
    return told


def show(readout: Readout, maps: Values, wanted: Wanted) -> Shown:
    """Raises ReadoutInvalid."""
    scores = readout.linear.score(maps.mean(axis=(1, 2))[None])[0]
    answer = readout.find_answer(wanted.answer) if wanted.answer else int(scores.argmax())
    against = readout.find_answer(wanted.against) if wanted.against else None
    score = float(scores[answer] - (scores[against] if against is not None else 0))
    is_alone = readout.task == CLASSIFY and len(scores) == 1
    return Shown(
        prediction=f"no {readout.names[answer]}" if is_alone and score < 0 else readout.names[answer],
        score=score,
        weights=readout.linear.take(answer, against=against),
        against=wanted.against,
        ranking=rank(readout.names, scores),
    )
