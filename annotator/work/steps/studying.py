"""Plans a study, asks its rounds, and deletes one that asked nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from annotator.accounts.models import Role
from annotator.comparison.methods import is_computed
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.deleting import CannotDelete
from annotator.crowd.campaigns.phrases import BadPhrases, read_one_phrase_each
from annotator.crowd.campaigns.unit_choice import BadChoice, ChosenUnit, find_named, list_units
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.marketplaces.table import MARKETPLACES
from annotator.crowd.models import Campaign
from annotator.labels.labeling import open_lexicon
from annotator.studies.activations import POOLED, read_array, read_kept
from annotator.studies.asking import CannotAsk, ask_round
from annotator.studies.concept_models import BadConceptModel
from annotator.studies.deleting import delete_study
from annotator.studies.labeled_images import LabelsGone, read_presence
from annotator.studies.matrices import read_classes
from annotator.studies.metrics import METRICS
from annotator.studies.models import Study
from annotator.studies.plan import BadPlan, Plan
from annotator.studies.planning import Asked, Known, describe_asked, plan_study, price_study
from annotator.studies.reading import read_study
from annotator.studies.report import describe_study
from annotator.studies.samples import BadSample
from annotator.studies.saying import NothingSaid, find_texts
from annotator.units.finding import DissectionUnfinished, NoSuchDissection, find_done_dissections
from annotator.units.models import DissectedUnit, Dissection
from annotator.work.confirming import NotConfirmed, check_confirmed
from annotator.work.options import option
from annotator.work.step import Step, Work
from annotator.work.steps.composing import read_usd
from workers.engine.plurals import say_count
from workers.store import StoreError

NO_CONCEPTS, BY_LABELS = "none", "labels"


@dataclass(frozen=True)
class PlanOptions:
    """Whatever names a file is for commands alone."""

    dissection: str = option("Whose units and images", default="", metavar="ID")
    unit: tuple[str, ...] = option("Counted from zero", default=(), metavar="LAYER:3,17,40-49")
    method: tuple[str, ...] = option(
        "Several times: 'labeled pixels', 'people', or an imported method", default=(), metavar="NAME"
    )
    file: tuple[str, ...] = option(
        "What a method says, with the columns layer, unit, phrase", default=(), metavar="METHOD=FILE.csv",
        reach="command",
    )  # fmt: skip
    activations: tuple[str, ...] = option(
        "(images, units): how active each unit is on each image of the set; default: what the dissection kept with "
        "--activation-vectors", default=(), metavar="LAYER=FILE.npy", reach="command",
    )  # fmt: skip
    pooled: str = option("What was kept of a unit's map; default: maximum", choices=list(POOLED), default="maximum")
    sampling: str = option("default: importance", choices=["importance", "uniform"], default="importance")
    concepts: str = option(
        "The cheap model: labeled pixels (default), none, or probabilities (images, classes) with --class-names",
        default=BY_LABELS, metavar="labels|none|FILE.npy",
    )  # fmt: skip
    class_names: str = option(
        "The names of a classifier's classes, one per line", default="", metavar="FILE", reach="command"
    )
    gamma: float = option("Share of even draws within importance sampling; default: .2", type=float, default=Plan.gamma)
    images: int = option("Draws per pair; default: 180", type=int, default=Plan.n_draws, metavar="N")
    raters: int = option("People per image; default: 3", type=int, default=Plan.n_raters, metavar="N")
    rounds: int = option("Parts that are asked one by one", type=int, default=Plan.n_rounds, metavar="N")
    gold: int = option("Known images in a question", type=int, default=Plan.n_gold, metavar="N")
    rule: str = option("How votes are counted; default: bragg", choices=["bragg", "majority"], default=Plan.rule)
    error: float = option("Of a vote, until gold images tell it; default: .23", type=float, default=Plan.error)
    prior: float = option("Without a cheap model; default: .05", type=float, default=Plan.prior)
    metric: str = option("What decides when to stop; default: rho", choices=list(METRICS), default=Plan.metric)
    active_share: float = option("Images that count as active; default: .05", type=float, default=Plan.active_share)
    stop_width: float | None = option(
        "Ask no further round when all differences are known to +- W", type=float, default=Plan.stop_width, metavar="W"
    )
    reward: Decimal = option(
        "For 15 images; default: 0.06", type=read_usd, default=Decimal(Plan.reward_usd), metavar="USD"
    )
    marketplace: str = option(
        "Where people are asked; default: own", choices=list(MARKETPLACES), default=Plan.marketplace
    )
    seed: int = option("Of all draws; default: 0", type=int, default=Plan.seed)


def check_plan(work: Work) -> None:
    if not work.options.dissection or not work.options.unit:
        raise BadPlan("A plan needs --dissection and --unit.")
    nothing: dict[str, Any] = {"units": (), "methods": (), "image_set": "", "image_set_sha256": "", "n_images": 0}
    _spell_plan(work.options, **nothing).check()


def plan(work: Work) -> str:
    name, options = work.subject, work.options
    dissection = find_done_dissections([options.dissection])[0]
    units = find_named(list_units([dissection]), options.unit)
    asked = list(_list_asked(units, options))
    planned = _make_plan(dissection, units, asked, options)
    try:
        known = _find_known(dissection, units, options)
    except StoreError as error:
        raise BadPlan(f"The activations of the dissection cannot be read. {error}") from None
    study = plan_study(name, dissection=dissection, plan=planned, asked=asked, known=known, now=work.now)
    price = price_study(planned, describe_asked(study))
    work.details.update(sha256=study.sha256, pairs=len(asked))
    return (
        f"Planned {say_count(len(asked), 'description')} of {say_count(len(units), 'unit')}; the plan is "
        f"{study.sha256[:12]}. It asks {say_count(price.n_questions, 'question')} of "
        f"{say_count(options.raters, 'person')} each: at most ${price.total_usd}. Nothing is asked yet."
    )


def _make_plan(
    dissection: Dissection, units: Sequence[DissectedUnit], asked: Sequence[Asked], options: PlanOptions
) -> Plan:
    return _spell_plan(
        options,
        units=tuple(f"{one.unit.layer.path}:{one.unit.index}" for one in units),
        methods=tuple(dict.fromkeys(one.method for one in asked)),
        image_set=dissection.image_set.name,
        image_set_sha256=dissection.image_set.sha256,
        n_images=dissection.image_set.images.filter(quarantine_reason="").count(),
        pooled=options.pooled if _list_kept(units, options) else "",
    )


def _spell_plan(options: PlanOptions, **about: Any) -> Plan:
    """`about`: what the options alone do not say."""
    return Plan(
        **about,
        sampling="uniform" if options.sampling == "uniform" else "importance",
        gamma=options.gamma,
        concepts=options.concepts,
        n_draws=options.images,
        n_raters=options.raters,
        n_rounds=options.rounds,
        n_gold=options.gold,
        rule="majority" if options.rule == "majority" else "bragg",
        error=options.error,
        prior=options.prior,
        metric=options.metric,
        active_share=options.active_share,
        stop_width=options.stop_width,
        # From a job's row it comes as text.
        reward_usd=str(options.reward),
        marketplace=options.marketplace,
        seed=options.seed,
    )


def _list_asked(units: Sequence[DissectedUnit], options: PlanOptions) -> Iterator[Asked]:
    """Unit by unit, each with what every method says; a method that says nothing of a unit is passed over there."""
    said = find_texts(units, methods=options.method)
    chosen = [ChosenUnit(one, because="named") for one in units]
    for method, path in map(_split_named, options.file):
        if not method.isprintable():
            raise BadPlan(f"The name of the method {method!r} holds a character that no page can show.")
        if is_computed(method):
            raise BadPlan(
                f"The method {method!r} is computed here from answers or labeled pixels: choose another name."
            )
        if method.casefold() in {name.casefold() for name in said}:
            raise BadPlan(f"The method {method!r} is named twice.")
        said[method] = read_one_phrase_each(Path(path), chosen)
    for unit in units:
        for method, texts in said.items():
            if unit.unit_id in texts:
                yield Asked(unit, method, texts[unit.unit_id])


def _list_kept(units: Sequence[DissectedUnit], options: PlanOptions) -> list[str]:
    """The units' layers that no file of activations is named for."""
    named = {layer for layer, _ in map(_split_named, options.activations)}
    return [layer for layer in dict.fromkeys(one.unit.layer.path for one in units) if layer not in named]


def _find_known(dissection: Dissection, units: Sequence[DissectedUnit], options: PlanOptions) -> Known:
    presence = read_presence(dissection.image_set) if dissection.image_set.has_labels else None
    concepts, is_classes = presence, False
    if options.concepts == NO_CONCEPTS:
        concepts = None
    elif options.concepts != BY_LABELS:
        names = Path(options.class_names) if options.class_names else None
        concepts, is_classes = read_classes(Path(options.concepts), names), True
    elif presence is None:
        raise BadPlan(f"{dissection.image_set} has no labels: give --concepts none or FILE.npy.")
    given = {layer: read_array(Path(path)) for layer, path in map(_split_named, options.activations)}
    kept = {layer: read_kept(dissection, layer, pooled=options.pooled) for layer in _list_kept(units, options)}
    return Known(
        activations=given | kept, presence=presence, concepts=concepts, is_classes=is_classes, lexicon=open_lexicon()
    )


def _split_named(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    name = name.strip()
    if not (name and equals and path):
        raise BadPlan(f"{text!r} is not NAME=FILE.")
    return name, path


def ask(work: Work) -> str:
    study = work.subject
    stop = describe_study(read_study(study))["stop"] if study.rounds.exists() else None
    campaign = ask_round(study, is_stopped=bool(stop and stop["is_met"]), now=work.now)
    work.details["campaign"] = campaign.name
    return (
        f"Composed {say_count(campaign.hits.count(), 'question')} as the campaign {campaign.name}; with fees they cost "
        f"at most ${campaign.budget_cap_usd}. Nothing is published yet."
    )


def unless_all_asked(study: Study) -> str:
    return "" if study.rounds.count() < int(study.plan["n_rounds"]) else "All rounds were asked."


def unless_asked(study: Study) -> str:
    drafts = (Campaign.State.DRAFT, Campaign.State.QUOTED)
    was_asked = study.rounds.exclude(campaign__state__in=drafts).exists()
    return "A study that asked people stays." if was_asked else ""


@dataclass(frozen=True)
class DeleteStudyOptions:
    yes: bool = option("Delete it for good", type=bool, default=False)


def check_delete(work: Work) -> None:
    check_confirmed(work.options.yes, what=f"The study {work.subject.name} and its campaigns are deleted.")


def delete(work: Work) -> str:
    work.details["sha256"] = work.subject.sha256
    names = work.details["campaigns"] = delete_study(work.subject)
    return f"Deleted the study {work.subject.name}" + (f" and its campaigns {', '.join(names)}." if names else ".")


STEPS = (
    Step(
        "plan-study", "Plan and price", "Draws the photographs, states the price, and freezes the plan. Nothing is "
        "asked.",
        role=Role.RESEARCHER, subject="new study", run=plan, icon="science", options=PlanOptions, check=check_plan,
        refusals=(BadChoice, BadConceptModel, BadPhrases, BadPlan, BadSample, DissectionUnfinished, LabelsGone,
                  NoSuchDissection, NothingSaid),
    ),
    Step(
        "ask-round", "Ask the next round", "Composes the campaign of the next round. You publish it on its own page.",
        role=Role.RESEARCHER, subject="study", run=ask, icon="groups", why_not=unless_all_asked,
        refusals=(BadTerms, CannotAsk, CannotCompose),
    ),
    Step(
        "delete-study", "Delete the study", "Deletes a study that asked nobody, with its campaigns.",
        role=Role.RESEARCHER, subject="study", run=delete, icon="delete", is_quick=True, is_last=True,
        options=DeleteStudyOptions, check=check_delete, why_not=unless_asked,
        refusals=(CannotDelete, NotConfirmed),
    ),
)  # fmt: skip
