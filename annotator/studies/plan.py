"""What a study fixes before its first answer, and how its sentences say it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from annotator.refusals import Refusal
from annotator.studies.metrics import METRICS
from annotator.studies.samples import GAMMA
from annotator.studies.votes import USUAL_ERROR, USUAL_PRIOR

Sampling = Literal["importance", "uniform"]
Rule = Literal["bragg", "majority"]
# Images of one question; `rate_description` shows so many.
IMAGES_PER_QUESTION = 15


class BadPlan(Refusal):
    """A study cannot be planned like this."""


@dataclass(frozen=True)
class Plan:
    """`units` are "LAYER:INDEX"; `methods` are names. `n_draws` of each pair are drawn in `n_rounds` equal parts and
    rated by `n_raters` people. `pooled`: what of a unit's map is its activation; "" if files say it.
    `active_share`: of all images, those of highest activation that count as active.
    `stop_width`: half the 95 % interval of the paired difference between methods at which no more is asked; None: all
    rounds are asked. `error` counts until gold images tell it.
    """

    units: tuple[str, ...]
    methods: tuple[str, ...]
    image_set: str
    image_set_sha256: str
    n_images: int
    pooled: str = ""
    sampling: Sampling = "importance"
    gamma: float = GAMMA
    concepts: str = "labels"
    n_draws: int = 180
    n_raters: int = 3
    n_rounds: int = 1
    n_gold: int = 1
    rule: Rule = "bragg"
    error: float = USUAL_ERROR
    prior: float = USUAL_PRIOR
    metric: str = "rho"
    active_share: float = 0.05
    stop_width: float | None = None
    reward_usd: str = "0.06"
    marketplace: str = "own"
    seed: int = 0

    def check(self) -> None:
        """Raises BadPlan."""
        if self.metric not in METRICS:
            raise BadPlan(f"There is no metric {self.metric!r}: choose one of {', '.join(METRICS)}.")
        if self.rule == "majority" and self.sampling == "importance":
            raise BadPlan("A majority vote ruins importance sampling: choose uniform sampling, or the rule bragg.")
        _check_range("draws", self.n_draws, 1, 10_000)
        _check_range("raters", self.n_raters, 1, 100)
        _check_range("rounds", self.n_rounds, 1, self.n_draws)
        _check_range("gold", self.n_gold, 0, IMAGES_PER_QUESTION - 1)
        if not 0 < self.active_share < 1:
            raise BadPlan(f"The share of active images lies between 0 and 1, not at {self.active_share:g}.")
        if not 0 < self.error < 0.5:
            raise BadPlan(f"The error of a vote is above 0 and below .5, not {self.error:g}.")
        if not 0 < self.prior < 1:
            raise BadPlan(f"The prior of a concept lies between 0 and 1, not at {self.prior:g}.")
        if not 0 < self.gamma <= 1:
            raise BadPlan(f"gamma is above 0 and at most 1, not {self.gamma:g}.")
        # No difference between two scores is above 2.
        if self.stop_width is not None and not 0 < self.stop_width <= 2:
            raise BadPlan(f"The width at which a study stops is above 0 and at most 2, not {self.stop_width:g}.")
        if self.seed < 0:
            raise BadPlan(f"The seed is 0 or more, not {self.seed}.")

    def describe(self) -> dict[str, Any]:
        """As JSON keeps it."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return told


def read_plan(values: Mapping[str, Any]) -> Plan:
    """What `describe` gave. Raises BadPlan."""
    try:
        plan = Plan(**{**values, "units": tuple(values["units"]), "methods": tuple(values["methods"])})
    except (TypeError, KeyError) as error:
        raise BadPlan(f"This is not the plan of a study: {error}.") from None
    plan.check()
    return plan


def digest_plan(plan: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the plan and of every pair's text, draws and gold images; the same before and after PostgreSQL."""
    rows = [{**pair, "draws": {name: _spell_drawn(values) for name, values in pair["draws"].items()}} for pair in pairs]
    return hashlib.sha256(json.dumps([plan, rows], sort_keys=True).encode()).hexdigest()


def _spell_drawn(values: Sequence[Any]) -> list[Any]:
    """JSONB keeps -0.0 as 0.0, and gives 1e16 back as an integer."""
    return [value if isinstance(value, str | bool) else float(value) + 0.0 for value in values]


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadPlan(f"The number of {name} lies between {low} and {high}, not at {value}.")
