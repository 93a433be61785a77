"""All that a study's report is computed from, in plain values: read from the database, or from a study's own bundle."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.json_texts import read_json
from annotator.names import NameRefused, check_name
from annotator.refusals import Refusal
from annotator.studies.plan import Plan, digest_plan, read_plan
from annotator.studies.scores import Draws, Pairs, Ratings
from annotator.studies.votes import RaterError, estimate_error

# 1: gold images had no order, a rating stood once per method, and nothing told whether ratings were changed.
# 2: nothing told whether what is neither plan nor rating was changed, such as what was spent.
VERSION, READ = 3, (2, 3)
# Of a pair's draws, lists of equal length.
DRAWN = ("images", "q", "prior", "activation", "standardized", "is_active")


class BadRecord(Refusal):
    """A file is not the bundle of a study, or it was changed."""


@dataclass(frozen=True)
class RecordedPair:
    """`draws`: by the names of DRAWN. `gold`: an image's path and whether the description holds there, in the order in
    which questions show them.
    """

    layer: str
    unit: int
    method: str
    text: str
    draws: Mapping[str, Sequence[Any]]
    gold: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class RecordedRating:
    """One person's yes or no. `pair`: the place of the first pair with the unit and words, all of which it counts for.
    `gold`: the right answer if the image is a gold one.
    """

    pair: int
    image: str
    rater: str
    says_yes: bool
    gold: bool | None
    seconds: float
    is_simulated: bool
    round: int


@dataclass(frozen=True)
class StudyRecord:
    """`sha256` is the plan's digest when it was frozen. `spent_usd`: rewards and fees of the answers that count.
    `image_set_sha256` is of today. `open_round`: the last round's number from 1 while answers may still come; else 0.
    """

    name: str
    planned_at: str
    sha256: str
    plan: Plan
    pairs: tuple[RecordedPair, ...]
    ratings: tuple[RecordedRating, ...]
    n_rounds_asked: int
    spent_usd: str
    image_set_sha256: str
    open_round: int = 0

    @property
    def is_as_frozen(self) -> bool:
        return digest_plan(self.plan.describe(), describe_pairs(self.pairs)) == self.sha256

    def list_drawn(self) -> "Drawn":
        """Raters and draws as arrays. A photograph that was drawn twice counts twice, with the same votes; a rating of
        words that several methods say of the unit counts for each of them.
        """
        places = self._place_draws()
        raters = {name: i for i, name in enumerate(sorted({rating.rater for rating in self.ratings}))}
        rows = [
            (place, raters[rating.rater], rating.says_yes)
            for rating in self.ratings
            if rating.gold is None
            for place in places.get((rating.pair, rating.image), ())
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        ratings = Ratings(table[:, 0], table[:, 1], table[:, 2] > 0)
        return Drawn(self._make_draws(), ratings, self._make_pairs())

    def estimate_error(self) -> RaterError:
        """From all answers to gold images; the plan's error until there are enough."""
        gold = [rating for rating in self.ratings if rating.gold is not None]
        found = estimate_error(n_wrong=sum(one.says_yes != one.gold for one in gold), n_gold=len(gold))
        return found if found.is_measured else RaterError(self.plan.error, found.n_gold, is_measured=False)

    def _place_draws(self) -> dict[tuple[int, str], list[int]]:
        """By the first of equal pairs, and image: the draws of all of them."""
        places: dict[tuple[int, str], list[int]] = {}
        first = 0
        for i, pair in zip(find_first(self.pairs), self.pairs, strict=True):
            for k, image in enumerate(pair.draws["images"]):
                places.setdefault((i, image), []).append(first + k)
            first += len(pair.draws["images"])
        return places

    def _make_draws(self) -> Draws:
        sizes = [len(pair.draws["images"]) for pair in self.pairs]
        joined = {name: np.concatenate([pair.draws[name] for pair in self.pairs]) for name in DRAWN[1:]}
        return Draws(
            pair=np.repeat(np.arange(len(sizes)), sizes),
            activation=joined["activation"].astype(np.float64),
            standardized=joined["standardized"].astype(np.float64),
            is_active=joined["is_active"].astype(bool),
            weight=1 / (self.plan.n_images * joined["q"]),
            prior=joined["prior"].astype(np.float64),
        )

    def _make_pairs(self) -> Pairs:
        units = {name: i for i, name in enumerate(sorted({(pair.layer, pair.unit) for pair in self.pairs}))}
        methods = list(self.plan.methods)
        return Pairs(
            unit=np.array([units[pair.layer, pair.unit] for pair in self.pairs]),
            method=np.array([methods.index(pair.method) for pair in self.pairs]),
            methods=methods,
        )


@dataclass(frozen=True)
class Drawn:
    draws: Draws
    ratings: Ratings
    pairs: Pairs


def find_first(pairs: Sequence[RecordedPair]) -> list[int]:
    """For each pair, the place of the first one with its unit and words: the one that people are asked about."""
    places: dict[tuple[str, int, str], int] = {}
    return [places.setdefault((pair.layer, pair.unit, pair.text), i) for i, pair in enumerate(pairs)]


def describe_pairs(pairs: Sequence[RecordedPair]) -> list[dict[str, Any]]:
    """As they are digested; the order of gold images is not part of the digest."""
    return [{**asdict(pair), "gold": dict(pair.gold)} for pair in pairs]


def write_record(record: StudyRecord) -> str:
    """As JSON, the same for the same study."""
    told = {"version": VERSION, **asdict(record), "plan": record.plan.describe()}
    return json.dumps({**told, "sha256_of_all": _digest(told)}, indent=1) + "\n"


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def read_record(path: Path) -> StudyRecord:
    """What write_record wrote. Raises BadRecord."""
    try:
        values = read_json(path.read_bytes())
        version = values["version"]
        if version not in READ:
            raise BadRecord(
                f"{path} has the version {version!r}, and this Unitscope reads {' and '.join(map(str, READ))}. Write "
                "the report again with `study report` where the study is, then rebuild it from the new study.json."
            )
        written = values.pop("ratings_sha256" if version == READ[0] else "sha256_of_all")
        if written != _digest(values["ratings"] if version == READ[0] else values):
            raise BadRecord(f"{path} was changed after it was written.")
        del values["version"]
        check_name(values["name"])
        pairs = tuple(RecordedPair(**pair) for pair in values.pop("pairs"))
        ratings = tuple(RecordedRating(**rating) for rating in values.pop("ratings"))
        record = StudyRecord(**{**values, "plan": read_plan(values["plan"])}, pairs=pairs, ratings=ratings)
    except OSError as error:
        raise BadRecord(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError, NameRefused) as error:
        raise BadRecord(f"{path} is not the bundle of a study: {error}.") from None
    if not record.is_as_frozen:
        raise BadRecord(f"{path} was changed: its plan or its draws are not those that were frozen.")
    for number, rating in enumerate(record.ratings):
        _check_rating(record, rating, f"{path}, rating {number}")
    return record


def _check_rating(record: StudyRecord, rating: RecordedRating, name: str) -> None:
    """Raises BadRecord for a rating that no person can have given in this study."""
    if type(rating.pair) is not int or not 0 <= rating.pair < len(record.pairs):
        raise BadRecord(f"{name}: there is no pair {rating.pair!r}; the study has {len(record.pairs)}, from 0.")
    pair = record.pairs[rating.pair]
    shown = pair.draws["images"] if rating.gold is None else [image for image, _ in pair.gold]
    if rating.image not in shown:
        raise BadRecord(f"{name}: the image {rating.image!r} was not shown of pair {rating.pair}.")
    if rating.says_yes not in (True, False) or rating.gold not in (None, True, False):
        raise BadRecord(f"{name}: an answer is true or false.")
    if not 0 <= rating.round < record.plan.n_rounds:
        raise BadRecord(f"{name}: there is no round {rating.round!r}; the study has {record.plan.n_rounds}, from 0.")
    if not (math.isfinite(rating.seconds) and rating.seconds >= 0):
        raise BadRecord(f"{name}: {rating.seconds!r} is no number of seconds.")
