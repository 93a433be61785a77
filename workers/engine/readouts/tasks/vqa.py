"""Questions about photographs: the sum of what the units and what the words say for each answer. [ZTSSF15] iBOWIMG.

docs/readouts.md, Questions. r_a = M_i[a] x + sum over the question's different words of M_w[a] E_q: no bias and no
nonlinearity, so that the score is the image's plus the words'.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.epochs import run_epochs
from workers.engine.readouts.judging import tell_gain, tell_mean
from workers.engine.readouts.linear import Linear, normalize_rows
from workers.engine.readouts.options import VQA, ReadoutInvalid
from workers.engine.readouts.questions import Question, read_questions, split_words
from workers.engine.readouts.readout import Arrays, Readout
from workers.engine.readouts.shown import Shown, ShownWord, Wanted, rank
from workers.engine.readouts.splits import draw_test

# Published constants [ZTSSF15] 2: how often a word or an answer must occur, size of the embedding, learning rates of
# embedding and softmax, and the largest weights of both.
MIN_WORDS, MIN_ANSWERS, EMBEDDING = 6, 3, 1024
RATES, LIMITS = {"embedding": 0.8, "words": 0.01, "image": 0.01}, {"embedding": 1500.0, "words": 20.0, "image": 20.0}
# Not published: batches, epochs, spread of the first weights (those of the image begin near zero, so that they do not
# drown the words), and what x is multiplied by, since it has length 1.
BATCH, EPOCHS, SPREAD, IMAGE_SPREAD, IMAGE_SCALE = 100, 30, 0.08, 0.004, 20.0
# Words, photographs and questions that are kept for each answer.
N_SPEAKING = 8
BOTH, IMAGE, WORDS = VARIANTS = ("both", "image", "words")


@dataclass(frozen=True)
class _Table:
    """Questions as numbers: `bags` (n, V) which words they have, `x` (n, K) and `answers` (n,), -1 for unknown ones."""

    bags: torch.Tensor
    x: torch.Tensor
    answers: NDArray[np.int64]


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, LayerError, NetworkError."""
    asked = read_questions(bench.data, bench.images)
    paths = sorted({one.path for one in asked.questions})
    features = bench.pool(asked.folder, paths)
    readable = {path for path, fine in zip(paths, features.is_readable, strict=True) if fine}
    questions = [one for one in asked.questions if one.path in readable]
    if not questions:
        raise ReadoutInvalid("None of the photographs can be read.")
    is_test = _find_test(questions, bench.options.test_share)
    training = [one for one, test in zip(questions, is_test, strict=True) if not test]
    test = [one for one, test in zip(questions, is_test, strict=True) if test]
    answers, words = list_known(training)
    if len(answers) < 2 or not words or not test:
        raise ReadoutInvalid(
            f"Too little to learn from: {len(answers)} answers occur {MIN_ANSWERS} times or more and {len(words)} "
            f"words {MIN_WORDS} times or more in {len(training)} questions; {len(test)} questions are for the test."
        )
    known = [one for one in training if one.answer in set(answers)]
    rows = dict(zip(paths, normalize_rows(features.values), strict=True))
    number = partial(_number, rows=rows, answers=answers, words=words)
    learned = {variant: _learn(bench, variant, number(known), len(answers)) for variant in VARIANTS}
    arrays = pack(learned[BOTH])
    speaking = _find_speaking(learned[BOTH], number(test), test, words)
    facts = {"names": answers, "vocabulary": words, "speaking": speaking}
    report = _judge(learned, training, test, number(test), answers)
    counts = {
        "n_images": len(readable), "n_training": len(known), "n_test": len(test), "n_several": asked.n_several,
        "n_rare": len(training) - len(known), "n_answers": len(answers), "n_words": len(words),
        "split": "as the data say" if questions[0].part else "drawn by photograph",
    }  # fmt: skip
    return Fitted(facts, arrays, {**counts, **report})


def _find_test(questions: Sequence[Question], share: float) -> NDArray[np.bool_]:
    if all(one.part for one in questions):
        return np.array([one.part == "test" for one in questions])
    return draw_test([one.path for one in questions], share)


def list_known(training: Sequence[Question]) -> tuple[list[str], list[str]]:
    """The answers and the words that are frequent enough, in alphabetical order."""
    answers = Counter(one.answer for one in training)
    words = Counter(word for one in training for word in split_words(one.text))
    return (
        sorted(one for one, n in answers.items() if n >= MIN_ANSWERS),
        sorted(one for one, n in words.items() if n >= MIN_WORDS),
    )


def _number(
    questions: Sequence[Question], *, rows: dict[str, NDArray[np.float32]], answers: list[str], words: list[str]
) -> _Table:
    places, classes = {word: i for i, word in enumerate(words)}, {one: i for i, one in enumerate(answers)}
    bags = torch.zeros(len(questions), len(words))
    for i, one in enumerate(questions):
        bags[i, [places[word] for word in split_words(one.text) if word in places]] = 1
    x = torch.from_numpy(np.stack([rows[one.path] for one in questions])) * IMAGE_SCALE
    return _Table(bags, x, np.array([classes.get(one.answer, -1) for one in questions]))


State = dict[str, torch.Tensor]


def _learn(bench: Bench, variant: str, table: _Table, n_answers: int) -> State:
    """The weights of a variant: `image` (A, K), `words` (A, EMBEDDING), `embedding` (V, EMBEDDING)."""
    generator = torch.Generator().manual_seed(bench.options.seed)
    shapes = {
        "embedding": (table.bags.shape[1], EMBEDDING), "words": (n_answers, EMBEDDING),
        "image": (n_answers, table.x.shape[1]),
    }  # fmt: skip
    names = {BOTH: tuple(shapes), IMAGE: ("image",), WORDS: ("embedding", "words")}[variant]
    spreads = {"embedding": SPREAD, "words": SPREAD, "image": IMAGE_SPREAD}
    state = {name: (torch.rand(shapes[name], generator=generator) * 2 - 1) * spreads[name] for name in names}
    n_epochs = bench.options.epochs or EPOCHS
    truth = torch.from_numpy(table.answers)

    def learn(epoch: int) -> None:
        order = np.random.default_rng((bench.options.seed, epoch)).permutation(len(truth))
        for first in range(0, len(order), BATCH):
            places = torch.from_numpy(order[first : first + BATCH])
            _step(state, table.bags[places], table.x[places], truth[places])

    stage = f"learning by {' and '.join((IMAGE, WORDS)) if variant == BOTH else variant}"
    run_epochs(
        tensors=state, n_epochs=n_epochs, learn=learn, checkpoint=bench.open_checkpoint(f"{VQA}-{variant}"),
        progress=lambda n_done: bench.progress(stage, n_done, n_epochs),
    )  # fmt: skip
    return state


def _step(state: State, bags: torch.Tensor, x: torch.Tensor, truth: torch.Tensor) -> None:
    for tensor in state.values():
        tensor.requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(_score(state, bags, x), truth)
    gradients = torch.autograd.grad(loss, list(state.values()))
    with torch.no_grad():
        for (name, tensor), gradient in zip(state.items(), gradients, strict=True):
            tensor.requires_grad_(False)
            tensor.sub_(RATES[name] * gradient).clamp_(-LIMITS[name], LIMITS[name])


def _score(state: State, bags: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(n, A)"""
    parts = []
    if "image" in state:
        parts.append(x @ state["image"].T)
    if "words" in state:
        parts.append((bags @ state["embedding"]) @ state["words"].T)
    return torch.stack(parts).sum(dim=0)


def pack(state: State) -> Arrays:
    """As linear read-outs keep it: `weight` is that of x, which has length 1."""
    weight = (state["image"] * IMAGE_SCALE).numpy()
    return {
        "weight": weight, "bias": np.zeros(len(weight), np.float32), "words": state["words"].numpy(),
        "embedding": state["embedding"].numpy(),
    }  # fmt: skip


def _judge(
    learned: dict[str, State], training: Sequence[Question], test: Sequence[Question], table: _Table, answers: list[str]
) -> dict[str, Any]:
    """Accuracy of the whole, of either part alone, and of answers that look at less."""
    grades = {}
    for variant, state in learned.items():
        best = _score(state, table.bags, table.x).argmax(dim=1).tolist()
        grades[variant] = _grade(test, [answers[place] for place in best])
    majority = Counter(one.answer for one in training).most_common(1)[0][0]
    grades["majority"] = _grade(test, [majority] * len(test))
    grades["first_words"] = _grade(test, _answer_by_first_words(training, test, majority))
    told = {f"accuracy_{name}" if name != BOTH else "accuracy": tell_mean(found) for name, found in grades.items()}
    return {
        **told,
        "gain_over_words": tell_gain(grades[BOTH], grades[WORDS]),
        "majority": majority,
    }


def _find_speaking(
    state: State, table: _Table, test: Sequence[Question], words: list[str]
) -> list[dict[str, list[tuple[str, float]]]]:
    """For each answer the words, and of the test part the photographs and questions, of highest score; each of the
    latter by its words alone, and each of the photographs by its units alone.
    """
    by_word = state["words"] @ state["embedding"].T
    by_image, by_question = table.x @ state["image"].T, table.bags @ by_word.T
    paths, texts = [one.path for one in test], [one.text for one in test]
    return [
        {
            "words": _list_highest(by_word[answer], words),
            "images": _list_highest(by_image[:, answer], paths),
            "questions": _list_highest(by_question[:, answer], texts),
        }
        for answer in range(len(by_word))
    ]


def _list_highest(scores: torch.Tensor, names: Sequence[str]) -> list[tuple[str, float]]:
    """Different names, the highest first; ties by place."""
    order = scores.argsort(descending=True, stable=True).tolist()
    different: dict[str, float] = {}
    for place in order:
        different.setdefault(names[place], float(scores[place]))
        if len(different) == N_SPEAKING:
            break
    return list(different.items())


def _grade(test: Sequence[Question], answers: Sequence[str]) -> NDArray[np.float64]:
    return np.array([one.grade(answer) for one, answer in zip(test, answers, strict=True)])


def _answer_by_first_words(training: Sequence[Question], test: Sequence[Question], majority: str) -> list[str]:
    """The most frequent answer to questions that begin with the same two words."""
    by_start: dict[tuple[str, ...], Counter[str]] = {}
    for one in training:
        by_start.setdefault(tuple(split_words(one.text)[:2]), Counter())[one.answer] += 1
    found = [by_start.get(tuple(split_words(one.text)[:2])) for one in test]
    return [counts.most_common(1)[0][0] if counts else majority for counts in found]


def show(readout: Readout, maps: NDArray[np.float32], wanted: Wanted) -> Shown:
    """Raises ReadoutInvalid without a question."""
    words = split_words(wanted.question)
    if not words:
        raise ReadoutInvalid("The read-out answers questions: ask one with --question.")
    vocabulary = {word: place for place, word in enumerate(readout.facts["vocabulary"])}
    by_word = {word: _score_word(readout, vocabulary[word]) for word in words if word in vocabulary}
    pooled = maps.astype(np.float64).mean(axis=(1, 2))
    by_image = Linear.score(readout.linear, pooled[None])[0]
    scores = by_image + sum(by_word.values())
    answer = readout.find_answer(wanted.answer) if wanted.answer else int(scores.argmax())
    against = readout.find_answer(wanted.against) if wanted.against else None
    pick = partial(_pick, answer=answer, against=against)
    unknown = [word for word in words if word not in vocabulary]
    ranking = [
        {**row, "image_score": float(by_image[readout.names.index(row["answer"])])}
        for row in rank(readout.names, scores)
    ]
    return Shown(
        prediction=readout.names[answer],
        score=pick(scores),
        image_score=pick(by_image),
        words=tuple(ShownWord(word, pick(by_word[word]) if word in by_word else 0.0) for word in words),
        weights=readout.linear.take(answer, against=against),
        against=wanted.against,
        ranking=tuple(ranking),
        speaking=readout.facts["speaking"][answer] if "speaking" in readout.facts else {},
        notes=(f"Not in the vocabulary: {', '.join(unknown)}.",) if unknown else (),
    )


def _score_word(readout: Readout, place: int) -> NDArray[np.float64]:
    """(A,) what a word adds to each answer."""
    embedding = readout.arrays["embedding"][place].astype(np.float64)
    return np.asarray(readout.arrays["words"].astype(np.float64) @ embedding)


def _pick(scores: NDArray[np.float64], *, answer: int, against: int | None) -> float:
    return float(scores[answer] - (scores[against] if against is not None else 0.0))
