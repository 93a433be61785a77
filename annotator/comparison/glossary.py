"""What the numbers of a report mean: each is explained once, in the order in which a reader meets them."""

from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE

PEOPLES = (
    ("Precision", "the share of a unit's top crops that fit the words, by the people who wrote them"),
    (f"Units over {INTERPRETABLE_ABOVE}", f"units whose precision is over {INTERPRETABLE_ABOVE}"),
    ("Named by n of m", "how many of the people who answered gave the concept that the unit is named by"),
    ("Kappa, alpha", "agreement of people beyond chance: 0 as by chance, 1 complete"),
    ("Units shuffled, p", "the same share after units were dealt other units' labels, and how often it is as high"),
    ("One label for all", "the same share if every unit had the most common label"),
    ("Probability", "how likely the unit was to be chosen for the question"),
)
MEASURED = (
    ("IoU", "pixels that the unit's mask and a label share, over the pixels that either covers, on the image set"),
    ("Detector", f"a unit whose best label has an IoU over {DETECTOR_ABOVE}; unique detectors count each label once"),
    ("By chance", "detectors of the same layer with random weights, and with labels shuffled between images"),
    ("Silent units", "units that tell nothing: never above zero, constant, or as high on their lowest images"),
    ("Rank", "the place of an image among all of the set by the unit's highest activation on it, from 1"),
    ("95 % interval", "where the number would lie in 19 of 20 repetitions of the sampling that is named beside it"),
)


def explain_numbers(*, has_people: bool) -> list[tuple[str, str]]:
    """(number, meaning), once each."""
    return [*(PEOPLES if has_people else ()), *MEASURED]
