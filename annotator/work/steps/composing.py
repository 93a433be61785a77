"""Makes a campaign from units that are chosen: what may be said of it, and its HITs before anybody sees them."""

from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from annotator.accounts.models import Role
from annotator.crowd.campaigns import composing, quoting
from annotator.crowd.campaigns.composing import TOO_MANY_USD, CannotCompose
from annotator.crowd.campaigns.crops import CropsGone
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.photograph_choice import count_catches, make_questions
from annotator.crowd.campaigns.phrases import BadPhrases, find_automatic_phrases, read_all_phrases, read_phrases
from annotator.crowd.campaigns.questions import compose_questions
from annotator.crowd.campaigns.unit_choice import (
    BadChoice,
    Choice,
    ChosenUnit,
    Wanted,
    choose_units,
    describe_silent,
)
from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.hit_types.templates import BadTemplate, find_hit_type, load_template
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.marketplaces.requirements import BadQualification
from annotator.crowd.marketplaces.table import MARKETPLACES
from annotator.crowd.models import Campaign
from annotator.crowd.seeds import derive_seed
from annotator.descriptions.models import Description
from annotator.units.finding import find_done_dissections
from annotator.units.photographs import PhotographsGone
from annotator.work.options import option
from annotator.work.step import Step, Work
from workers.engine.plurals import say_count

# The HIT type whose question may ask for grades.
GRADED = "best_of"
DAY_SECONDS = 24 * 3600
NOT_COMPOSED = (CannotCompose, CropsGone, PhotographsGone)
# What MTurk allows.
MIN_DAYS, MAX_DAYS = 30 / DAY_SECONDS, 365


def read_usd(text: str) -> Decimal:
    """Raises ArgumentTypeError unless the text is an amount of dollars and cents."""
    try:
        value = Decimal(text)
        is_amount = value.is_finite() and value >= 0 and value == value.quantize(Decimal("0.01"))
    except InvalidOperation:  # no number, or one of too many digits
        raise ArgumentTypeError(f"{text[:40]!r} is not an amount of dollars like 0.60") from None
    if not is_amount:
        raise ArgumentTypeError(f"{text[:40]!r} is not an amount of dollars and cents")
    if value >= TOO_MANY_USD:
        raise ArgumentTypeError(f"{text[:40]!r} is too much: less than ${TOO_MANY_USD:,}")
    return value + 0  # -0 is 0


def read_days(text: str) -> float:
    """Raises ArgumentTypeError unless the text is a number of days that a marketplace allows."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number of days") from None
    if not MIN_DAYS <= value <= MAX_DAYS:
        raise ArgumentTypeError(f"{text!r} is not between 30 seconds and {MAX_DAYS} days")
    return value


@dataclass(frozen=True)
class ComposeOptions:
    dissection: tuple[str, ...] = option("Whose units; may be given several times", default=(), metavar="ID")
    top_iou: int | None = option(
        "Units of highest IoU, shared evenly by the layers (24; 0 with --units or --top-importance)",
        type=int,
        default=None,
        metavar="N",
    )
    top_importance: int = option(
        "Of the rest, units of highest importance, shared evenly by the layers that have one (0)",
        type=int, default=0, metavar="N",
    )  # fmt: skip
    random: int | None = option(
        "Units drawn at random from the rest, shared evenly by the layers (8; 0 with --units)",
        type=int, default=None, metavar="N",
    )  # fmt: skip
    units: tuple[str, ...] = option("These units and no others, counted from zero", default=(), metavar="LAYER:3,40-49")
    assignments: int = option("People asked about each unit (3)", type=int, default=3, metavar="N")
    max_assignments: int | None = option("Ask up to this many if people disagree", type=int, default=None, metavar="N")
    reward: Decimal = option("For one assignment (0.60)", type=read_usd, default=Decimal("0.60"), metavar="USD")
    budget: Decimal | None = option(
        "Cap on all spending; default: the quote", type=read_usd, default=None, metavar="USD"
    )
    policy: str = option(
        "What a missed planted negative leads to (accept and score)",
        choices=Campaign.Policy.values, default=Campaign.Policy.ACCEPT_AND_SCORE.value,
    )  # fmt: skip
    template: str = option("A folder of hit_templates/ (unit_semantics)", default="unit_semantics")
    phrases: str | None = option(
        "What the HIT type asks about: automatic labels (of best_of, all descriptions; default) or layer,unit,phrase",
        default=None, metavar="FILE|automatic", reach="command",
    )  # fmt: skip
    graded: bool = option(
        "Of best_of: each description gets a grade from 1 to 5, instead of one choice", type=bool, default=False
    )
    marketplace: str = option("Where people find the HITs (own)", choices=list(MARKETPLACES), default="own")
    seed: int | None = option("Of units, planted negatives and orders; default: from the name", type=int, default=None)
    requester_name: str = option("Who asks, in the consent", default="A research group using Unitscope")
    contact: str = option("Where workers reach you, in the consent", default="")
    ethics_number: str = option("In the consent", default="")
    lifetime: float | None = option(
        "How many days people can take the HITs; default: as the HIT type says", type=read_days, default=None,
        metavar="DAYS",
    )  # fmt: skip
    max_per_worker: int | None = option("At most so many HITs by one person", type=int, default=None, metavar="N")
    country: tuple[str, ...] = option("Only people there; may be given several times", default=(), metavar="US")
    min_approval: int | None = option("Only people with this approval rate", type=int, default=None, metavar="PERCENT")
    min_approved: int | None = option("Only people with so many approved HITs", type=int, default=None, metavar="N")
    exclude: tuple[str, ...] = option("Nobody who worked in that campaign", default=(), metavar="CAMPAIGN")
    screening: int | None = option(
        "Only people who passed the HIT type's test with this score", type=int, default=None, metavar="PERCENT"
    )


def compose(work: Work) -> str:
    name, asked = work.subject, work.options
    seed = asked.seed if asked.seed is not None else derive_seed(name)
    wanted = Wanted(
        n_top_iou=asked.top_iou, n_top_importance=asked.top_importance, n_random=asked.random, names=asked.units
    )
    choice = choose_units(find_done_dissections(asked.dissection), wanted=wanted, seed=seed)
    units = choice.units
    work.details["silent"] = len(choice.silent)
    n_hits = count_hits(asked.template, len(units), seed=seed)
    campaign = Campaign(
        name=name,
        marketplace=asked.marketplace,
        reward_usd=asked.reward,
        budget_cap_usd=asked.budget or _compute_cap(asked, n_hits=n_hits),
        seed=seed,
        n_assignments=asked.assignments,
        max_assignments=asked.max_assignments,
        policy=asked.policy,
        requester_name=asked.requester_name,
        contact=asked.contact,
        ethics_number=asked.ethics_number,
        max_hits_per_worker=asked.max_per_worker,
        lifetime_seconds=round(asked.lifetime * DAY_SECONDS) if asked.lifetime else None,
        qualifications=list_qualifications(
            country=asked.country,
            min_approval=asked.min_approval,
            min_approved=asked.min_approved,
            exclude=asked.exclude,
            screening=asked.screening,
            template=asked.template,
        ),
        created_at=work.now,
    )
    if load_template(asked.template).photographs:
        texts = _find_texts(asked, units)
        facts = {"is_graded": True} if asked.graded else {}
        questions = make_questions(units, template=asked.template, texts=texts, seed=seed, facts=facts)
        compose_questions(campaign, template=asked.template, questions=questions)
    else:
        phrases = _find_phrases(asked, units)
        composing.compose_campaign(campaign, template=asked.template, units=units, phrases=phrases)
    return (
        f"Composed {say_count(n_hits, 'HIT')} about {say_count(len(units), 'unit')}{_count_layers(units)}."
        f"{_tell_silent(choice)}"
    )


def count_hits(template: str, n_units: int, *, seed: int) -> int:
    """How many HITs ask about so many units."""
    return len(find_hit_type(template).group(n_units, seed=seed)) + count_catches(template, n_units)


def _count_layers(units: list[ChosenUnit]) -> str:
    """How many units of each layer, if there are several."""
    counts = Counter(choice.dissected_unit.unit.layer.path for choice in units)
    return f" ({', '.join(f'{n} of {path}' for path, n in counts.items())})" if len(counts) > 1 else ""


def _tell_silent(choice: Choice) -> str:
    if not choice.silent:
        return ""
    return f"\nLeft out {say_count(len(choice.silent), 'silent unit')}: {describe_silent(choice.silent)}."


def check_composing(work: Work) -> None:
    if not work.options.dissection:
        raise composing.CannotCompose("Name a dissection: --dissection ID.")
    if work.options.graded and work.options.template != GRADED:
        raise composing.CannotCompose(f"Grades are given in {GRADED} alone, not in {work.options.template}.")


def _compute_cap(asked: ComposeOptions, *, n_hits: int) -> Decimal:
    """The price of as many assignments as may ever be asked for, at this marketplace's fees."""
    return quoting.compute_max_cost(
        n_hits=n_hits,
        n_assignments=asked.max_assignments or asked.assignments,
        reward_usd=asked.reward,
        marketplace=asked.marketplace,
    )


def list_qualifications(
    *,
    country: Iterable[str],
    min_approval: int | None,
    min_approved: int | None,
    exclude: Iterable[str],
    screening: int | None,
    template: str,
) -> dict[str, Any]:
    """As `Campaign.qualifications` keeps them; an empty text, 0 and None are left out."""
    wanted: dict[str, Any] = {
        "locales": [code for code in country if code],
        "min_approval_percent": min_approval,
        "min_approved": min_approved,
        "excluded_campaigns": [find_campaign(name).name for name in exclude if name],
    }
    if screening:
        load_screening(template)  # refused here if the HIT type has no test
        wanted["screening"] = {"least_percent": screening}
    return {name: value for name, value in wanted.items() if value}


def _find_phrases(asked: ComposeOptions, units: list[ChosenUnit]) -> dict[int, str]:
    if not find_hit_type(asked.template).asks_phrase:
        return {}
    if asked.phrases in (None, "automatic"):
        return find_automatic_phrases(units)
    return read_phrases(Path(str(asked.phrases)), units)


def _find_texts(asked: ComposeOptions, units: list[ChosenUnit]) -> dict[int, list[str]]:
    """Unit id -> descriptions to ask about; one unit may have several rows in the file."""
    if not find_hit_type(asked.template).asks_phrase:
        return {}
    if asked.phrases in (None, "automatic") and load_template(asked.template).max_texts > 1:
        return _find_descriptions(units)
    if asked.phrases in (None, "automatic"):
        return {unit: [phrase] for unit, phrase in find_automatic_phrases(units).items()}
    return read_all_phrases(Path(str(asked.phrases)), units)


def _find_descriptions(units: list[ChosenUnit]) -> dict[int, list[str]]:
    """What all methods say of each unit; what two of them say alike is asked once."""
    rows = Description.objects.filter(unit__in=[choice.dissected_unit.unit_id for choice in units])
    texts: dict[int, dict[str, None]] = {}
    for unit, text in rows.order_by("unit", "method__name").values_list("unit", "text"):
        texts.setdefault(unit, {})[text] = None
    return {unit: list(each) for unit, each in texts.items()}


STEPS = (
    Step(
        "compose", "Compose and quote", "Chooses the units and writes one HIT per unit; nothing is sent yet.",
        role=Role.RESEARCHER, subject="new campaign", run=compose, is_quick=True, check=check_composing,
        options=ComposeOptions,
        refusals=(*NOT_COMPOSED, BadTerms, BadChoice, BadPhrases, BadTemplate, BadQualification),
    ),
)  # fmt: skip
