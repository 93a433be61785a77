"""What `fit` prints of figures without intervals: nothing tells how far they would move with other photographs."""

from typing import Any

import numpy as np

from annotator.evidence.management.commands import fit
from workers.engine.training.evaluation import compare, describe_errors


def test_heads_that_err_alike_have_a_difference_without_interval() -> None:
    ranks, labels = [np.array([0, 0, 0, 0]), np.array([1, 1, 1, 1])], np.array([0, 0, 1, 1])
    errors: dict[str, Any] = describe_errors(ranks, labels, ["cat", "dog"])
    head = {"parameters_head": 4, "parameters": 9, "seeds": [{"top1_error": 0.5, "n_epochs": 2}] * 2, **errors}
    said = fit._tell(
        {
            "n_classes": 2, "n_training": 8, "n_validation": 2, "n_test": 4, "n_unreadable": 0, "unreadable": {},
            "heads": [{"head": "cam", **head}, {"head": "linear", **head}],
            "compared": compare({"cam": np.full(4, 0.5), "linear": np.full(4, 0.5)}),
        }
    )  # fmt: skip
    assert "Error 50.0 [none: too few, or all alike] %" in said[1]
    assert said[-1].startswith("cam minus linear: +0.0 [none: too few, or all alike] points of error")
