"""Composes a campaign: which crops each HIT may show and the seeds that its orders are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from annotator.crowd.campaigns.quoting import find_most
from annotator.crowd.campaigns.unit_choice import ChosenUnit
from annotator.crowd.hit_types.templates import HITTemplate, load_template
from annotator.crowd.marketplaces.requirements import check_qualifications
from annotator.crowd.models import HIT, Campaign, HITImage, HITType
from annotator.crowd.seeds import derive_seed
from annotator.refusals import Refusal
from annotator.units.models import DissectedUnit, TopImage


class CannotCompose(Refusal):
    """The campaign cannot be composed as asked; nothing was written."""


@dataclass(frozen=True)
class CampaignPlan:
    name: str
    marketplace: str
    reward_usd: Decimal
    budget_cap_usd: Decimal
    seed: int
    n_assignments: int = 3
    policy: str = Campaign.Policy.ACCEPT_AND_SCORE
    template: str = "unit_semantics"
    max_assignments: int | None = None
    max_hits_per_worker: int | None = None
    requester_name: str = "A research group using Unitscope"
    contact: str = ""
    ethics_number: str = ""
    qualifications: dict[str, Any] = field(default_factory=dict)


def compose_campaign(
    *, plan: CampaignPlan, units: Sequence[ChosenUnit], now: datetime, phrases: dict[int, str] | None = None
) -> Campaign:
    """A draft campaign, one composed HIT a unit. `phrases` (unit id -> phrase): for a HIT type that asks about one."""
    template = load_template(plan.template)
    phrases = {row.dissected_unit.unit_id: (phrases or {}).get(row.dissected_unit.unit_id, "") for row in units}
    _check_plan(plan, n_units=len(units), phrases=[text for text in phrases.values() if text], template=template)
    values = {name: value for name, value in vars(plan).items() if name != "template"}
    with transaction.atomic():
        campaign = Campaign.objects.create(**values, created_at=now)
        hit_type = HITType.objects.create(campaign=campaign, template=template.name, template_sha256=template.sha256)
        hits = [
            compose_hit(
                hit_type=hit_type,
                choice=choice,
                template=template,
                phrase=phrases[choice.dissected_unit.unit_id],
            )
            for choice in units
        ]
        _write_hits(hits, template=template)
    return campaign


def compose_hit(*, hit_type: HITType, choice: ChosenUnit, template: HITTemplate, phrase: str = "") -> HIT:
    """The HIT's row, not yet saved. Its seed comes from what the unit is called, so that it is the same everywhere."""
    campaign, unit = hit_type.campaign, choice.dissected_unit.unit
    return HIT(
        campaign=campaign,
        hit_type=hit_type,
        unit=unit,
        dissected_unit=choice.dissected_unit,
        seed=derive_seed(campaign.seed, unit.layer.network.name, unit.layer.path, unit.index, template.name),
        n_assignments=campaign.n_assignments,
        chosen_because=choice.because,
        phrase=phrase,
    )


def _write_hits(hits: list[HIT], *, template: HITTemplate) -> None:
    HIT.objects.bulk_create(hits)
    images: list[HITImage] = []
    for hit in hits:
        assert hit.dissected_unit is not None  # composed here, never imported
        for crop in find_crops(hit.dissected_unit, template=template):
            images.append(HITImage(hit=hit, top_image=crop, is_planted=crop.is_low))
    HITImage.objects.bulk_create(images, batch_size=5_000)


def find_crops(unit: DissectedUnit, *, template: HITTemplate) -> list[TopImage]:
    """The top crops that this HIT type shows, and every low crop that planted negatives may be drawn from."""
    crops = list(unit.top_images.order_by("rank"))
    top = [crop for crop in crops if not crop.is_low][: template.n_top]
    low = [crop for crop in crops if crop.is_low and template.n_planted]
    if not top:
        raise CannotCompose(f"{unit} has no top crops.")
    if len(low) < template.n_planted:
        raise CannotCompose(f"{unit} has {len(low)} low crops; {template.n_planted} are needed as planted negatives.")
    return top + low


def _check_plan(plan: CampaignPlan, *, n_units: int, phrases: list[str], template: HITTemplate) -> None:
    if Campaign.objects.filter(name=plan.name).exists():
        raise CannotCompose(f"There is a campaign {plan.name!r} already; choose another name.")
    if template.answer == "verdict" and n_units != len(phrases):
        raise CannotCompose(f"{n_units - len(phrases)} of the {n_units} units have no phrase to ask about.")
    if not n_units:
        raise CannotCompose("No units were chosen.")
    if plan.n_assignments < 1:
        raise CannotCompose("A HIT needs at least 1 assignment.")
    if plan.max_assignments is not None and plan.n_assignments < 10 <= plan.max_assignments:
        raise CannotCompose("A HIT of fewer than 10 assignments can never be extended to 10 or more.")
    check_qualifications(plan.qualifications)
    if plan.reward_usd < Decimal("0.01"):
        raise CannotCompose("The least reward is $0.01.")
    price = find_most(
        n_hits=n_units, n_assignments=plan.n_assignments, reward_usd=plan.reward_usd, marketplace=plan.marketplace
    )
    # The cap stays for good: a campaign that it does not cover could never be published.
    if price > plan.budget_cap_usd:
        raise CannotCompose(f"This costs ${price} with fees, more than the cap of ${plan.budget_cap_usd:.2f}.")
