"""The matcher against 40 pairs that were judged by hand before there was a matcher."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.comparison.relations import find_relation
from annotator.labels.concepts import Vocabulary, build_vocabulary
from annotator.labels.lexicon import load_lexicon
from annotator.published.readers.table import read_answers, read_labels

JUDGED: dict[str, Any] = json.loads(Path(__file__).with_name("judged_pairs.json").read_text())


@pytest.fixture
def vocabulary(published: Path) -> Vocabulary:
    answers = read_answers((published / "unitAnnotation_places205-alexnet.mat").read_bytes(), file="a.mat")
    labels = read_labels((published / "caffe_reference_places205.csv").read_bytes(), file="b.csv", layer="pool5")
    return build_vocabulary(
        descriptions=[answer.description for answer in answers.answers],
        labels={label.label for label in labels.labels},
        lexicon=load_lexicon(),
    )


def test_the_matcher_agrees_with_the_hand_on_at_least_36_of_40(vocabulary: Vocabulary) -> None:
    found = [
        find_relation(concept=pair["description"], label=pair["broden_label"], vocabulary=vocabulary)
        for pair in JUDGED["pairs"]
    ]
    for f, p in zip(found, JUDGED["pairs"], strict=True):
        if f.relation != p["judged"]:
            print(p["description"], "|", p["broden_label"], "|", p["judged"], "|", f)
    agreeing = sum(f.is_same_thing == pair["same"] for f, pair in zip(found, JUDGED["pairs"], strict=True))
    assert agreeing >= 36
    same = [f.is_same_thing for f, pair in zip(found, JUDGED["pairs"], strict=True) if pair["same"]]
    assert sum(same) >= 0.8 * len(same), "agreement must not come from calling everything different"


def test_the_pairs_are_the_ones_that_the_seed_picks(published: Path) -> None:
    generator = np.random.default_rng(2015)
    units = generator.choice(256, size=40, replace=False)
    answers = generator.integers(3, size=40)
    picked = [(pair["unit_index"], pair["answer"]) for pair in JUDGED["pairs"]]
    assert picked == list(zip(units.tolist(), answers.tolist(), strict=True))
