"""What describers say in formulas is understood by the cheap model of a study."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from annotator.labels.lexicon import load_lexicon
from annotator.studies.concept_models import (
    IF_LABELED,
    IF_NOT_LABELED,
    NamedColumns,
    model_from_classes,
    model_from_labels,
)
from annotator.studies.formulas import read_formula

LEXICON = load_lexicon()
TREE, SKY, DOG = np.random.default_rng(2).random((3, 40)) < 0.5
LABELS = NamedColumns(np.stack([TREE, SKY, DOG], axis=1), ["tree", "sky", "dog"])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("tree AND sky", TREE & SKY),
        ("tree OR sky", TREE | SKY),
        ("Tree AND NOT sky", TREE & ~SKY),
        ("(tree OR dog) AND NOT sky", (TREE | DOG) & ~SKY),
        ("((tree OR dog) AND NOT sky) OR dog", ((TREE | DOG) & ~SKY) | DOG),
        ("any tree", TREE),
        ("animal AND NOT tree", DOG & ~TREE),
    ],
)
def test_a_formula_of_labels_holds_as_its_words_say(text: str, holds: np.ndarray) -> None:
    model = model_from_labels(text, labels=LABELS, lexicon=LEXICON)
    assert model is not None
    np.testing.assert_array_equal(model, np.where(holds, IF_LABELED, IF_NOT_LABELED))


def test_probabilities_are_joined_as_if_independent() -> None:
    tree, sky = np.array([0.2, 0.9]), np.array([0.5, 0.1])
    model: Callable[[str], np.ndarray | None] = partial(
        model_from_classes, classes=NamedColumns(np.stack([tree, sky], axis=1), ["tree", "sky"]), lexicon=LEXICON
    )
    for text, wanted in (
        ("tree AND sky", tree * sky),
        ("tree OR sky", tree + sky - tree * sky),
        ("tree AND NOT sky", tree * (1 - sky)),
    ):
        np.testing.assert_allclose(np.asarray(model(text)), wanted)
    assert model("tree AND unicorn") is None


def test_brackets_of_a_name_stay() -> None:
    assert read_formula("crane (bird)").names == ("crane (bird)",)
    assert read_formula("(crane (bird) OR sky) AND NOT mouse (device)").names == (
        "crane (bird)",
        "sky",
        "mouse (device)",
    )
    assert read_formula("salt and pepper").names == ("salt and pepper",)
