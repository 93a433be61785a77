"""All that a study's report is computed from, in plain values: read from the database, or from a study's own bundle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotator.json_texts import read_json
from annotator.refusals import Refusal
from annotator.studies.plan import Plan, digest_plan, read_plan
from annotator.studies.scores import Draws, Pairs, Ratings
from annotator.studies.votes import RaterError, estimate_error

VERSION = 1
# Of a pair's draws, lists of equal length.
DRAWN = ("images", "q", "prior", "activation", "standardized", "is_active")


class BadRecord(Refusal):
    """A file is not the bundle of a study, or it was changed."""


@dataclass(frozen=True)
class RecordedPair:
    """`draws`: by the names of DRAWN. `gold`: path of an image -> whether the description holds there."""

    layer: str
    unit: int
    method: str
    text: str
    draws: Mapping[str, Sequence[Any]]
    gold: Mapping[str, bool]


@dataclass(frozen=True)
class RecordedRating:
    """One person's yes or no. `pair` is the pair's place; `gold` the right answer if the image is a gold one."""

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
    `image_set_sha256` is of today.
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

    @property
    def is_as_frozen(self) -> bool:
        return digest_plan(self.plan.describe(), describe_pairs(self.pairs)) == self.sha256

    def list_drawn(self) -> "Drawn":
        """Raters and draws as arrays. A photograph that was drawn twice counts twice, with the same votes."""
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
        places: dict[tuple[int, str], list[int]] = {}
        first = 0
        for i, pair in enumerate(self.pairs):
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


def describe_pairs(pairs: Sequence[RecordedPair]) -> list[dict[str, Any]]:
    return [asdict(pair) for pair in pairs]


def write_record(record: StudyRecord) -> str:
    """As JSON, the same for the same study."""
    return json.dumps({"version": VERSION, **asdict(record), "plan": record.plan.describe()}, indent=1) + "\n"


def read_record(path: Path) -> StudyRecord:
    """What write_record wrote. Raises BadRecord."""
    try:
        values = read_json(path.read_bytes())
        version = values.pop("version")
        if version != VERSION:
            raise BadRecord(f"{path} has the version {version}, and this Unitscope reads {VERSION}.")
        pairs = tuple(RecordedPair(**pair) for pair in values.pop("pairs"))
        ratings = tuple(RecordedRating(**rating) for rating in values.pop("ratings"))
        record = StudyRecord(**{**values, "plan": read_plan(values["plan"])}, pairs=pairs, ratings=ratings)
    except OSError as error:
        raise BadRecord(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRecord(f"{path} is not the bundle of a study: {error}.") from None
    if not record.is_as_frozen:
        raise BadRecord(f"{path} was changed: its plan or its draws are not those that were frozen.")
    return record
