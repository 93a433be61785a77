"""Plans a study: draws the photographs of every pair and freezes all of it before anybody is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotator.crowd.campaigns.composing import check_name_of, check_terms
from annotator.crowd.campaigns.questions import MAX_TEXT
from annotator.crowd.campaigns.quoting import compute_max_cost
from annotator.crowd.models import Campaign
from annotator.crowd.seeds import derive_seed
from annotator.descriptions.models import MAX_METHOD
from annotator.labels.lexicon import Lexicon
from annotator.names import check_name
from annotator.refusals import Refusal
from annotator.studies.concept_models import NamedColumns, model_from_classes, model_from_labels
from annotator.studies.models import Study, StudyPair
from annotator.studies.plan import IMAGES_PER_QUESTION, BadPlan, Plan, digest_plan
from annotator.studies.record import RecordedPair, describe_pairs, find_first
from annotator.studies.samples import draw_sample, spread_by_importance, spread_evenly, standardize
from annotator.units.models import DissectedUnit, Dissection, Image
from workers.engine.plurals import say_count

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What a study is drawn from. `activations`: path of each layer of the units -> (n_images, n_units).

    `presence` (n_images, n_labels): labeled pixels, for gold images; None without labels. `concepts`: what the cheap
    model reads, and whether these are probabilities of classes; None: every image has the plan's prior.
    """

    activations: Mapping[str, NDArray[np.floating]]
    presence: NamedColumns | None
    concepts: NamedColumns | None
    is_classes: bool
    lexicon: Lexicon


@dataclass(frozen=True)
class Asked:
    """A unit and what a method says of it."""

    unit: DissectedUnit
    method: str
    text: str


@dataclass(frozen=True)
class Price:
    """At most, with fees."""

    n_questions: int
    total_usd: Decimal


def plan_study(
    name: str, *, dissection: Dissection, plan: Plan, asked: Sequence[Asked], known: Known, now: datetime
) -> Study:
    """Saves the study with its pairs and draws. Raises BadPlan, BadSample, BadConceptModel."""
    check_name(name)
    if Study.objects.filter(name=name).exists():
        raise BadPlan(f"There is a study {name!r} already; choose another name.")
    plan.check()
    check_texts(asked)
    images = list(Image.objects.filter(image_set=dissection.image_set_id).order_by("index"))
    _check_activations(known, n_images=len(images), asked=asked)
    recorded = [_draw_pair(one, plan=plan, known=known, images=images) for one in asked]
    _check_rounds(name, plan, recorded, now)
    told = plan.describe()
    with transaction.atomic():
        study = Study.objects.create(
            name=name, dissection=dissection, plan=told, sha256=digest_plan(told, describe_pairs(recorded)),
            planned_at=now,
        )  # fmt: skip
        StudyPair.objects.bulk_create(
            StudyPair(
                study=study, position=position, unit=one.unit.unit, method=one.method, text=one.text,
                draws=dict(pair.draws), gold=list(pair.gold),
            )
            for position, (one, pair) in enumerate(zip(asked, recorded, strict=True))
        )  # fmt: skip
    return study


def make_campaign(study: str, plan: Plan, number: int, *, n_questions: int, now: datetime) -> Campaign:
    """The unsaved campaign of that round, zero-based."""
    reward = Decimal(plan.reward_usd)
    budget = compute_max_cost(
        n_hits=n_questions, n_assignments=plan.n_raters, reward_usd=reward, marketplace=plan.marketplace
    )
    return Campaign(
        name=f"{study}-round{number + 1}", marketplace=plan.marketplace, n_assignments=plan.n_raters,
        reward_usd=reward, budget_cap_usd=budget, seed=derive_seed(plan.seed, study, number), created_at=now,
    )  # fmt: skip


def _check_rounds(study: str, plan: Plan, pairs: Sequence[RecordedPair], now: datetime) -> None:
    """Raises BadPlan if a round could not be launched later: its campaign's name, its reward or its terms."""
    for number in range(plan.n_rounds):
        n = count_questions(plan, pairs, number)
        campaign = make_campaign(study, plan, number, n_questions=n, now=now)
        try:
            check_name_of(campaign)
            check_terms(campaign, n_hits=n)
        except Refusal as refused:
            raise BadPlan(
                f"Round {number + 1}, the campaign {campaign.name}, could not be launched. {refused}"
            ) from None


def check_texts(asked: Sequence[Asked]) -> None:
    """Raises BadPlan for words that no page could show."""
    for one in asked:
        if len(one.method) > MAX_METHOD:
            raise BadPlan(f"The name of a method has at most {MAX_METHOD} characters, not {len(one.method)}.")
        if not 0 < len(one.text.strip()) <= MAX_TEXT:
            raise BadPlan(
                f"{one.method} says {say_count(len(one.text.strip()), 'character')} about {one.unit.unit}: a study "
                f"shows 1 to {MAX_TEXT}."
            )


def price_study(plan: Plan, pairs: Sequence[RecordedPair]) -> Price:
    """What all rounds cost at most, before anything is spent."""
    n = sum(count_questions(plan, pairs, number) for number in range(plan.n_rounds))
    reward = Decimal(plan.reward_usd)
    cost = compute_max_cost(n_hits=n, n_assignments=plan.n_raters, reward_usd=reward, marketplace=plan.marketplace)
    return Price(n, cost)


def count_questions(plan: Plan, pairs: Sequence[RecordedPair], number: int) -> int:
    """Of a round, zero-based."""
    return sum(len(split_round(pairs[place], number, plan)) for place in set(find_first(pairs)))


def split_round(pair: RecordedPair, number: int, plan: Plan) -> list[list[str]]:
    """The photographs of a round's questions: those that this round draws first, each once, `n_gold` places left."""
    bounds = [round(part * plan.n_draws / plan.n_rounds) for part in (number, number + 1)]
    before, drawn = pair.draws["images"][: bounds[0]], pair.draws["images"][bounds[0] : bounds[1]]
    new = [image for image in dict.fromkeys(drawn) if image not in set(before)]
    size = IMAGES_PER_QUESTION - (plan.n_gold if pair.gold else 0)
    return [new[first : first + size] for first in range(0, len(new), size)]


def _check_activations(known: Known, *, n_images: int, asked: Sequence[Asked]) -> None:
    if not asked:
        raise BadPlan("There is nothing to ask: no method says anything about the chosen units.")
    for one in asked:
        layer, index = one.unit.unit.layer.path, one.unit.unit.index
        found = known.activations[layer]
        if found.ndim != 2 or found.shape[0] != n_images or index >= found.shape[1]:
            raise BadPlan(
                f"The activations of {layer} have the shape {found.shape}: ({n_images}, units) is needed, one row per "
                f"image of the set, with unit {index} among the columns."
            )


def _draw_pair(one: Asked, *, plan: Plan, known: Known, images: Sequence[Image]) -> RecordedPair:
    unit = one.unit.unit
    layer = unit.layer.path
    readable = np.array([not image.quarantine_reason for image in images])
    activation = np.asarray(known.activations[layer][:, unit.index], dtype=np.float64)[readable]
    prior = _find_prior(one.text, plan, known, len(images))[readable]
    is_even = plan.sampling == "uniform"
    q = spread_evenly(len(prior)) if is_even else spread_by_importance(activation, prior, gamma=plan.gamma)
    # Of the words, not of the method: what two methods say alike is drawn alike, and asked once.
    seed = derive_seed(plan.seed, layer, unit.index, one.text, "draws")
    sample = draw_sample(q, n_draws=plan.n_draws, seed=seed)
    paths = [image.path for image, is_readable in zip(images, readable, strict=True) if is_readable]
    active = find_active(activation, share=plan.active_share)
    drawn = sample.images
    draws = {
        "images": [paths[i] for i in drawn],
        "q": sample.q.tolist(),
        "prior": prior[drawn].tolist(),
        "activation": activation[drawn].tolist(),
        "standardized": standardize(activation)[drawn].tolist(),
        "is_active": active[drawn].tolist(),
    }
    gold = _choose_gold(one.text, plan, known, images, taken=set(draws["images"]), seed=derive_seed(seed, "gold"))
    return RecordedPair(layer, unit.index, one.method, one.text, draws, gold)


def find_active(activation: Array, *, share: float) -> NDArray[np.bool_]:
    """(n_images,): the given share of images, at least one, with the highest activation. Of equal activations the
    first by path count. Images at the minimum never do: there a sparse unit is silent.
    """
    active = np.zeros(len(activation), dtype=bool)
    active[np.argsort(-activation, kind="stable")[: max(1, round(share * len(activation)))]] = True
    found: NDArray[np.bool_] = active & (activation > activation.min(initial=np.inf))
    return found


def _find_prior(text: str, plan: Plan, known: Known, n_images: int) -> Array:
    """(n_images,) by the cheap model; the plan's prior for all if it does not know the words."""
    model = None
    if known.concepts is not None and known.is_classes:
        model = model_from_classes(text, classes=known.concepts, lexicon=known.lexicon)
    elif known.concepts is not None:
        model = model_from_labels(text, labels=known.concepts, lexicon=known.lexicon)
    if model is not None and len(model) != n_images:
        raise BadPlan(f"The concept model knows {say_count(len(model), 'image')}, and the image set has {n_images}.")
    return np.full(n_images, plan.prior) if model is None else model


def _choose_gold(
    text: str, plan: Plan, known: Known, images: Sequence[Image], *, taken: set[str], seed: int
) -> list[tuple[str, bool]]:
    """As many images as the questions have places for, half with the description's label and half without; none if no
    label names it. None of them is drawn.
    """
    held = model_from_labels(text, labels=known.presence, lexicon=known.lexicon) if known.presence else None
    if held is None or not plan.n_gold:
        return []
    free = [i for i, one in enumerate(images) if one.path not in taken and not one.quarantine_reason]
    order = np.random.default_rng(seed).permutation(free)
    yes, no = ([int(i) for i in order if (held[i] > 0.5) == is_held] for is_held in (True, False))
    size = IMAGES_PER_QUESTION - plan.n_gold
    n = plan.n_gold * (-(-len(taken) // size) + plan.n_rounds)
    if min(len(yes), len(no)) < (n + 1) // 2:
        return []
    chosen = [i for both in zip(yes, no, strict=False) for i in both][:n]
    return [(images[i].path, bool(held[i] > 0.5)) for i in chosen]


def describe_asked(study: Study) -> list[RecordedPair]:
    """The study's pairs as they were frozen."""
    rows = study.pairs.select_related("unit__layer").order_by("position")
    return [
        RecordedPair(row.unit.layer.path, row.unit.index, row.method, row.text, row.draws, _list_gold(row))
        for row in rows
    ]


def _list_gold(row: StudyPair) -> list[tuple[str, bool]]:
    return [(path, is_held) for path, is_held in row.gold]
