"""The records of the JSON API as typed schemas: flat, with the names of the report."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema


class NetworkRecord(Schema):
    name: str
    architecture: str
    weights_sha256: str
    layers: list[str]


class ImageSetRecord(Schema):
    name: str
    n_images: int
    has_labels: bool
    is_rendered: bool
    sha256: str


class DissectionRecord(Schema):
    id: UUID
    network: str
    image_set: str
    is_rendered: bool
    layers: list[str]
    state: str
    error: str
    n_images: int
    n_quarantined: int
    artifact_sha256: str
    created_at: datetime
    finished_at: datetime | None


class ProgressRecord(Schema):
    stage: str
    n_done: int
    n_total: int
    per_second: float | None
    seconds_left: float | None


class CampaignRecord(Schema):
    name: str
    marketplace: str
    state: str
    is_paused: bool
    is_imported: bool
    problem: str
    n_hits: int
    n_answers: int
    n_answers_wanted: int
    n_simulated: int
    cost_usd: str
    budget_cap_usd: str
    pay_per_hour_usd: float | None


class UnitRecord(Schema):
    """A unit of a campaign: what people call it beside what Broden calls it; absent values are null."""

    network: str
    layer: str
    index: int
    concept: str
    category: str
    precision: float
    precision_low: float
    precision_high: float
    n_answers: int
    n_same_concept: int
    accepted_at: datetime | None
    broden_label: str | None
    broden_category: str | None
    iou: float | None
    relation: str | None
    rule: str | None


class AutomaticRecord(Schema):
    """A unit of a dissection: its best label by labeled pixels."""

    network: str
    layer: str
    index: int
    mode: str
    broden_label: str
    broden_category: str
    iou: float


class AnswerRecord(Schema):
    """What one person said about one unit; null where the HIT type does not ask for it."""

    campaign: str
    network: str
    layer: str
    index: int
    worker: str | None
    is_simulated: bool | None
    state: str
    description: str | None
    category: str | None
    precision: float | None
    marked_ranks: list[int] | None
    n_planted_missed: int | None
    hit_type: str
    says: dict[str, Any] | None
    metrics: dict[str, float]
    is_left_out: bool
    active_seconds: float


class CropRecord(Schema):
    rank: int
    is_low: bool
    image: str
    peak: float
    left: int
    top: int
    side: int


class OneUnitRecord(Schema):
    network: str
    layer: str
    index: int
    threshold: float | None
    labels: list[UnitRecord]
    automatic: list[AutomaticRecord]
    answers: list[AnswerRecord]
    crops: list[CropRecord]


class DecisionRecord(Schema):
    id: int
    at: datetime
    actor_name: str
    action: str
    subject: str
    details: dict[str, object]
    sha256: str


class Problem(Schema):
    detail: str
