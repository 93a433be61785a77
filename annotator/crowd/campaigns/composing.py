"""Composes a campaign: which crops each HIT may show and the seeds that its orders are drawn from."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from annotator.crowd.campaigns.crops import check_crops
from annotator.crowd.campaigns.quoting import compute_max_cost
from annotator.crowd.campaigns.unit_choice import ChosenUnit, describe_silent
from annotator.crowd.hit_types.templates import HITTemplate, find_hit_type, load_template
from annotator.crowd.marketplaces.marketplace import Terms
from annotator.crowd.marketplaces.requirements import check_qualifications
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Campaign, HITImage, HITType, HITUnit
from annotator.crowd.seeds import derive_seed
from annotator.names import check_name, claim_name
from annotator.refusals import Refusal
from annotator.units.models import DissectedUnit, Dissection, TopImage
from workers.engine.plurals import say_count

# What the columns of amounts hold, and more than any campaign costs.
TOO_MANY_USD = 10**6
# Columns of whole numbers, and what people call them.
NUMBERS = {
    "n_assignments": "Answers per HIT", "max_assignments": "Most answers per HIT",
    "max_hits_per_worker": "HITs of one person", "lifetime_seconds": "Seconds of a HIT's life", "seed": "The seed",
}  # fmt: skip


class CannotCompose(Refusal):
    """The campaign cannot be composed as asked; nothing was written."""


def compose_campaign(
    campaign: Campaign, *, template: str, units: Sequence[ChosenUnit], phrases: dict[int, str] | None = None
) -> None:
    """Saves this campaign as a draft with its composed HITs.

    `phrases` (unit id -> phrase): for a HIT type that asks about one.
    """
    loaded, phrases = load_template(template), phrases or {}
    groups = find_hit_type(template).group(len(units), seed=campaign.seed)
    if not units:
        raise CannotCompose("No units were chosen.")
    refuse_silent(units)
    n_phrases = sum(map(bool, phrases.values()))
    if find_hit_type(template).asks_phrase and len(units) != n_phrases:
        raise CannotCompose(
            f"Without a phrase to ask about: {len(units) - n_phrases} of {say_count(len(units), 'unit')}."
        )
    check_name_of(campaign)
    check_terms(campaign, n_hits=len(groups))
    check_crops(choice.dissected_unit for choice in units)
    with transaction.atomic():
        _hold_dissections({choice.dissected_unit.dissection_id for choice in units})
        with claim_name(campaign.name):
            campaign.save()
        hit_type = HITType.objects.create(campaign=campaign, template=template, template_sha256=loaded.sha256)
        composed = [(compose_hit(hit_type, chosen), chosen) for chosen in ([units[i] for i in g] for g in groups)]
        _write_hits(composed, phrases=phrases, template=loaded)


def _hold_dissections(ids: Collection[UUID]) -> None:
    """Until the end of the caller's transaction nobody deletes them. Raises CannotCompose if one is deleted already."""
    rows = Dissection.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    if len(rows) < len(ids):
        raise CannotCompose("A dissection whose units were chosen was deleted meanwhile; choose units again.")


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
            inclusion_probability=choice.probability,
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
        raise CannotCompose(
            f"{unit} has {say_count(len(low), 'low crop')}; {say_count(template.n_planted, 'is', 'are')} needed as "
            "planted negatives."
        )
    return top + low


def refuse_silent(units: Sequence[ChosenUnit]) -> None:
    """Whoever chose the units: a silent unit has no honest planted negative, so people are not asked about it."""
    silent = [choice.dissected_unit for choice in units if choice.dissected_unit.silence]
    if silent:
        raise CannotCompose(f"People cannot be asked about silent units. Leave out {describe_silent(silent)}.")


def check_name_of(campaign: Campaign) -> None:
    """Raises CannotCompose or NameRefused if the campaign's name is no name, or is taken."""
    check_name(campaign.name)
    if Campaign.objects.filter(name=campaign.name).exists():
        raise CannotCompose(f"There is a campaign {campaign.name!r} already; choose another name.")


def check_terms(campaign: Campaign, *, n_hits: int) -> None:
    """Raises CannotCompose, BadTerms or BadQualification if a campaign of so many HITs could not be published."""
    if campaign.n_assignments < 1:
        raise CannotCompose("A HIT needs at least 1 assignment.")
    _check_numbers(campaign)
    marketplace = open_marketplace(campaign.marketplace)
    marketplace.check_terms(Terms(campaign.n_assignments, campaign.max_assignments, reward_usd=campaign.reward_usd))
    check_qualifications(campaign.qualifications, facts=marketplace.facts)
    price = compute_max_cost(
        n_hits=n_hits,
        n_assignments=campaign.n_assignments,
        reward_usd=campaign.reward_usd,
        marketplace=campaign.marketplace,
    )
    if campaign.budget_cap_usd >= TOO_MANY_USD:
        raise CannotCompose(f"A campaign costs less than ${TOO_MANY_USD:,} in all.")
    # A campaign that its cap does not cover could not be published.
    if price > campaign.budget_cap_usd:
        raise CannotCompose(f"This costs ${price} with fees, more than the cap of ${campaign.budget_cap_usd:.2f}.")


def _check_numbers(campaign: Campaign) -> None:
    """Raises CannotCompose for a number that its column does not hold."""
    for name in NUMBERS:
        column: Any = Campaign._meta.get_field(name)
        try:
            column.run_validators(getattr(campaign, name))
        except ValidationError as error:
            raise CannotCompose(f"{NUMBERS[name]}: {error.messages[0]}") from None
