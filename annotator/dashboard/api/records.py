"""The records of the JSON API as typed schemas: flat, with the names of the report. An alias is where it is read."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import BeforeValidator, Field

from annotator.units.models import Network

Usd = Annotated[str, BeforeValidator(str)]


class NetworkRecord(Schema):
    name: str
    architecture: str
    weights_sha256: str
    source_sha256: str
    weights_from: str
    is_random: bool
    layers: list[str]

    @staticmethod
    def resolve_layers(network: Network) -> list[str]:
        return [layer.path for layer in network.layers.all()]


class ImageSetRecord(Schema):
    name: str
    n_images: int
    has_labels: bool
    is_rendered: bool
    sha256: str


class DissectionRecord(Schema):
    id: UUID
    network: str = Field(alias="network.name")
    image_set: str = Field(alias="image_set.name")
    is_rendered: bool = Field(alias="image_set.is_rendered")
    layers: list[str] = Field(alias="layer_paths")
    layer_facts: dict[str, dict[str, Any]] = Field(
        description="By layer: order of axes, tokens dropped, rule by which cells are anchored; absent: not recorded"
    )
    detectors: dict[str, dict[str, dict[str, Any]]] = Field(
        description="By layer and mode of IoU: n_detectors, n_unique, their intervals, and the same counts by chance "
        "(random_weights, shuffled_labels)"
    )
    state: str
    error: str
    n_images: int
    n_quarantined: int
    passed_over: list[dict[str, Any]]
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
    name: str = Field(alias="campaign.name")
    marketplace: str = Field(alias="campaign.marketplace")
    state: str = Field(alias="campaign.state")
    is_paused: bool = Field(alias="campaign.is_paused")
    is_imported: bool = Field(alias="campaign.is_imported")
    problem: str = Field(alias="campaign.problem")
    n_hits: int = Field(alias="counts.n_hits")
    n_answers: int = Field(alias="counts.n_answers")
    n_answers_wanted: int = Field(alias="counts.n_wanted")
    n_simulated: int = Field(alias="counts.n_simulated")
    cost_usd: Usd
    budget_cap_usd: Usd = Field(alias="campaign.budget_cap_usd")
    pay_per_hour_usd: float | None = Field(alias="pay_per_hour")


class UnitRecord(Schema):
    """A unit of a campaign: what people call it beside what labeled pixels say; absent values are null."""

    network: str
    layer: str
    index: int
    concept: str
    category: str
    precision: float
    precision_low: float
    precision_high: float
    n_answers: int
    n_simulated: int
    n_same_concept: int
    accepted_at: datetime | None
    broden_label: str | None
    broden_category: str | None
    iou: float | None
    relation: str | None
    rule: str | None
    # Null: pooled over the campaigns that asked about the same crops.
    campaign: str | None
    # The dissection whose crops people saw; "": imported.
    dissection: str
    is_of_record: bool
    # "" and null: not recorded.
    chosen_because: str | None
    inclusion_probability: float | None


class AutomaticRecord(Schema):
    """A unit of a dissection: its best label by labeled pixels."""

    network: str
    layer: str
    index: int
    mode: str
    broden_label: str
    broden_category: str
    iou: float
    # The dissection's id, or the digest of the imported file.
    source: str


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
    # The dissection whose crops the person saw; null: imported.
    dissection: UUID | None
    chosen_because: str
    inclusion_probability: float | None


class CropRecord(Schema):
    rank: int
    is_low: bool
    image: str = Field(alias="image.path")
    peak: float
    left: int = Field(alias="crop_left")
    is_peak_region: bool = Field(description="The map has no segment: the crop shows the region of its peak")
    top: int = Field(alias="crop_top")
    side: int = Field(alias="crop_side")


class OneUnitRecord(Schema):
    network: str
    layer: str
    index: int
    # The dissection whose threshold and crops these are; "silence": why the unit tells nothing.
    dissection: UUID | None
    threshold: float | None
    silence: str | None
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
