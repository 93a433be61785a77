"""Questions about photographs: the sum of what the units and what the words say for each answer. [ZTSSF15] iBOWIMG.

docs/readouts.md, Questions. r_a = M_i[a] x + sum over the question's different words of M_w[a] E_q: no bias and no
nonlinearity, so that the score is the image's plus the words'.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.plurals import say_count
from workers.engine.readouts.bags import BOTH, VARIANTS, Learned, Table, choose_recipe, learn
from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.judging import tell_gain, tell_share
from workers.engine.readouts.linear import Linear, normalize_rows
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.questions import Asked, Question, read_questions
from workers.engine.readouts.readout import Arrays, Readout
from workers.engine.readouts.shown import Shown, ShownWord, Wanted, rank
from workers.engine.readouts.splits import draw_test, find_test
from workers.engine.readouts.words import split_words

# Published constants [ZTSSF15] 2: how often a word or an answer must occur.
MIN_WORDS, MIN_ANSWERS = 6, 3
# Of the photographs that are trained on, the share whose questions choose scale and epochs; then all are learned from.
VALIDATION_SHARE = 0.25
# Words, photographs and questions that are kept for each answer.
N_SPEAKING = 8


@dataclass(frozen=True)
class _Data:
    """Questions to train on, those of them whose answer is `known`, and those of the test; the `answers` and `words`
    that are frequent enough; `rows` (K,) by photograph. `split`: who says which are for the test.
    """

    training: list[Question]
    known: list[Question]
    test: list[Question]
    answers: list[str]
    words: list[str]
    rows: dict[str, NDArray[np.float32]]
    split: str

    def number(self, questions: Sequence[Question]) -> Table:
        places, classes = ({one: i for i, one in enumerate(names)} for names in (self.words, self.answers))
        bags = torch.zeros(len(questions), len(self.words))
        for i, one in enumerate(questions):
            bags[i, [places[word] for word in one.words if word in places]] = 1
        x = torch.from_numpy(np.stack([self.rows[one.path] for one in questions]))
        return Table(bags, x, np.array([classes.get(one.answer, -1) for one in questions]))


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, LayerError, NetworkError."""
    asked = read_questions(bench.data, bench.images)
    data = _read(bench, asked)
    training, test = data.number(data.known), data.number(data.test)
    drawn = draw_test([one.path for one in data.known], VALIDATION_SHARE, seed=bench.options.seed)
    parts = training.take(np.flatnonzero(~drawn)), training.take(np.flatnonzero(drawn))
    learned = {one: learn(bench, one, training, choose_recipe(bench, one, *parts)) for one in VARIANTS}
    facts = {
        "names": data.answers, "vocabulary": data.words,
        "speaking": _find_speaking(learned[BOTH], test, data),
    }  # fmt: skip
    report = {
        "n_images": len(data.rows), "n_training": len(data.known), "n_validation": int(drawn.sum()),
        "n_test": len(data.test), "n_several": asked.n_several, "n_unanswered": asked.n_unanswered,
        "n_rare": len(data.training) - len(data.known),
        "n_answers": len(data.answers), "n_words": len(data.words),
        "split": data.split,
        **_judge(learned, data, test), "chosen": {name: asdict(one.recipe) for name, one in learned.items()},
    }  # fmt: skip
    return Fitted(facts, pack(learned[BOTH]), report)


def _read(bench: Bench, asked: Asked) -> _Data:
    paths = sorted({one.path for one in asked.questions})
    features = bench.pool(asked.folder, paths)
    fine = np.flatnonzero(features.is_readable)
    rows = {paths[place]: row for place, row in zip(fine, normalize_rows(features.values[fine]), strict=True)}
    questions = [one for one in asked.questions if one.path in rows]
    if not questions:
        raise ReadoutInvalid("None of the photographs can be read.")
    stated = [one.is_test for one in questions]
    is_test, split = find_test([one.path for one in questions], bench.options, stated)
    training, test = (
        [one for one, flag in zip(questions, is_test.tolist(), strict=True) if flag is side] for side in (False, True)
    )
    answers, words = list_known(training)
    if len(answers) < 2 or not words or not test:
        raise ReadoutInvalid(
            f"Too little to learn from: {say_count(len(answers), 'answer occurs', 'answers occur')} {MIN_ANSWERS} "
            f"times or more and {say_count(len(words), 'word')} {MIN_WORDS} times or more in "
            f"{say_count(len(training), 'question')}; {say_count(len(test), 'question is', 'questions are')} for the "
            "test."
        )
    known = [one for one in training if one.answer in set(answers)]
    return _Data(training, known, test, answers, words, rows, split)


def list_known(training: Sequence[Question]) -> tuple[list[str], list[str]]:
    """The answers and the words that are frequent enough, in alphabetical order."""
    answers = Counter(one.answer for one in training)
    words = Counter(word for one in training for word in one.words)
    return (
        sorted(one for one, n in answers.items() if n >= MIN_ANSWERS),
        sorted(one for one, n in words.items() if n >= MIN_WORDS),
    )


def pack(learned: Learned) -> Arrays:
    """As linear read-outs keep it: `weight` is that of x, which has length 1."""
    weight = (learned.state["image"] * learned.recipe.scale).numpy()
    return {
        "weight": weight, "bias": np.zeros(len(weight), np.float32), "words": learned.state["words"].numpy(),
        "embedding": learned.state["embedding"].numpy(),
    }  # fmt: skip


def _judge(learned: dict[str, Learned], data: _Data, table: Table) -> dict[str, Any]:
    """Accuracy of the whole, of either part alone, and of answers that look at less."""
    grades, test = {}, data.test
    for variant, one in learned.items():
        grades[variant] = _grade(test, [data.answers[place] for place in one.score(table).argmax(dim=1).tolist()])
    majority = Counter(one.answer for one in data.training).most_common(1)[0][0]
    grades["majority"] = _grade(test, [majority] * len(test))
    grades["first_words"] = _grade(test, _answer_by_first_words(data.training, test, majority))
    told = {f"accuracy_{name}" if name != BOTH else "accuracy": tell_share(found) for name, found in grades.items()}
    return {
        **told,
        "gain_over_words": tell_gain(grades[BOTH], grades["words"]),
        "majority": majority,
    }


def _find_speaking(learned: Learned, table: Table, data: _Data) -> list[dict[str, list[tuple[str, float]]]]:
    """For each answer the words, and of the test part the photographs and questions, of highest score; each of the
    latter by its words alone, and each of the photographs by its units alone.
    """
    state, scale = learned.state, learned.recipe.scale
    by_word = state["words"] @ state["embedding"].T
    by_image, by_question = table.x @ state["image"].T * scale, table.bags @ by_word.T
    paths, texts = [one.path for one in data.test], [one.text for one in data.test]
    return [
        {
            "words": _list_highest(by_word[answer], data.words),
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
        by_start.setdefault(tuple(one.words[:2]), Counter())[one.answer] += 1
    found = [by_start.get(tuple(one.words[:2])) for one in test]
    return [counts.most_common(1)[0][0] if counts else majority for counts in found]


def show(readout: Readout, maps: NDArray[np.float32], wanted: Wanted) -> Shown:
    """Raises ReadoutInvalid without a question."""
    words = list(dict.fromkeys(split_words(wanted.question)))
    if not wanted.question.strip():
        raise ReadoutInvalid("The read-out answers questions: ask one with --question.")
    if not words:
        raise ReadoutInvalid(f"The question {wanted.question[:60]!r} has no words: ask one that has.")
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
