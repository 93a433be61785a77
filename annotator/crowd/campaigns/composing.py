"""Composes a campaign: which crops each HIT may show and the seeds that its orders are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from annotator.crowd.campaigns.quoting import compute_max_cost
from annotator.crowd.campaigns.unit_choice import ChosenUnit
from annotator.crowd.hit_types.templates import HITTemplate, find_hit_type, load_template
from annotator.crowd.marketplaces.marketplace import Terms
from annotator.crowd.marketplaces.requirements import check_qualifications
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Campaign, HITImage, HITType, HITUnit
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
    """A draft campaign with its composed HITs. `phrases` (unit id -> phrase): for a HIT type that asks about one."""
    template = load_template(plan.template)
    groups = find_hit_type(plan.template).group(len(units), seed=plan.seed)
    _check_phrases(plan, n_units=len(units), n_phrases=sum(map(bool, (phrases or {}).values())))
    _check_plan(plan, n_hits=len(groups))
    values = {name: value for name, value in vars(plan).items() if name != "template"}
    with transaction.atomic():
        campaign = Campaign.objects.create(**values, created_at=now)
        hit_type = HITType.objects.create(campaign=campaign, template=template.name, template_sha256=template.sha256)
        composed = [(compose_hit(hit_type, chosen), chosen) for chosen in ([units[i] for i in g] for g in groups)]
        _write_hits(composed, phrases=phrases or {}, template=template)
    return campaign


def compose_hit(hit_type: HITType, chosen: Sequence[ChosenUnit]) -> HIT:
    """The HIT's row, not yet saved. Its seed comes from its units' names, so that it is the same everywhere."""
    campaign, units = hit_type.campaign, [choice.dissected_unit.unit for choice in chosen]
    names = [part for unit in units for part in (unit.layer.network.name, unit.layer.path, unit.index)]
    return HIT(
        campaign=campaign,
        hit_type=hit_type,
        question_key="+".join(str(unit.pk) for unit in units),
        seed=derive_seed(campaign.seed, *names, hit_type.template),
        n_assignments=campaign.n_assignments,
    )


def _write_hits(
    composed: Sequence[tuple[HIT, Sequence[ChosenUnit]]], *, phrases: dict[int, str], template: HITTemplate
) -> None:
    HIT.objects.bulk_create([hit for hit, _ in composed])
    units = [
        (choice.dissected_unit, HITUnit(
            hit=hit, position=position, unit=choice.dissected_unit.unit, dissected_unit=choice.dissected_unit,
            phrase=phrases.get(choice.dissected_unit.unit_id, ""), chosen_because=choice.because,
        ))
        for hit, chosen in composed for position, choice in enumerate(chosen)
    ]  # fmt: skip
    HITUnit.objects.bulk_create([row for _, row in units])
    images = [
        HITImage(hit_unit=row, top_image=crop, is_planted=crop.is_low)
        for dissected, row in units
        for crop in find_crops(dissected, template=template)
    ]
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


def _check_phrases(plan: CampaignPlan, *, n_units: int, n_phrases: int) -> None:
    if not n_units:
        raise CannotCompose("No units were chosen.")
    if find_hit_type(plan.template).asks_phrase and n_units != n_phrases:
        raise CannotCompose(f"{n_units - n_phrases} of the {n_units} units have no phrase to ask about.")


def _check_plan(plan: CampaignPlan, *, n_hits: int) -> None:
    if Campaign.objects.filter(name=plan.name).exists():
        raise CannotCompose(f"There is a campaign {plan.name!r} already; choose another name.")
    if plan.n_assignments < 1:
        raise CannotCompose("A HIT needs at least 1 assignment.")
    marketplace = open_marketplace(plan.marketplace)
    marketplace.check_terms(Terms(plan.n_assignments, plan.max_assignments, reward_usd=plan.reward_usd))
    check_qualifications(plan.qualifications, facts=marketplace.facts)
    price = compute_max_cost(
        n_hits=n_hits, n_assignments=plan.n_assignments, reward_usd=plan.reward_usd, marketplace=plan.marketplace
    )
    # The cap stays for good: a campaign that it does not cover could never be published.
    if price > plan.budget_cap_usd:
        raise CannotCompose(f"This costs ${price} with fees, more than the cap of ${plan.budget_cap_usd:.2f}.")
