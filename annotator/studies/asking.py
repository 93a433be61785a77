"""Asks a round of a study: a campaign of questions about drawn photographs, composed and quoted, not published."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction

from annotator.crowd.campaigns.questions import AskedImage, Question, compose_questions
from annotator.crowd.campaigns.quoting import quote_campaign
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.studies.models import ENDED, Study, StudyPair, StudyRound
from annotator.studies.plan import Plan, read_plan
from annotator.studies.planning import describe_asked, make_campaign, split_round
from annotator.studies.record import find_first
from annotator.units.models import Image

TEMPLATE = "rate_description"


class CannotAsk(Refusal):
    """The next round of the study cannot be asked."""


def find_study(name: str) -> Study:
    """Raises CannotAsk."""
    study = Study.objects.filter(name=name).select_related("dissection__image_set").first()
    if study is None:
        raise CannotAsk(f"There is no study {name!r}: run `study plan` first.")
    return study


def ask_round(study: Study, *, is_stopped: bool, now: datetime) -> Campaign:
    """Composes and quotes the next round's campaign. `is_stopped`: the stopping rule is met. Raises CannotAsk."""
    plan = read_plan(study.plan)
    number = study.rounds.count()
    if number == plan.n_rounds:
        raise CannotAsk(f"The study {study} has no more rounds: {plan.n_rounds} of {plan.n_rounds} asked.")
    _check_before(study, number)
    if is_stopped:
        raise CannotAsk(f"The stopping rule of the study {study} is met: no more is asked. See `study report {study}`.")
    if study.dissection.image_set.sha256 != plan.image_set_sha256:
        raise CannotAsk(f"The image set {plan.image_set} has changed since the study was planned: plan another one.")
    questions = list(_make_questions(study, plan, number))
    if not questions:
        raise CannotAsk(f"Round {number + 1} would draw no photograph that was not asked about before.")
    campaign = make_campaign(study.name, plan, number, n_questions=len(questions), now=now)
    with transaction.atomic():
        compose_questions(campaign, template=TEMPLATE, questions=questions)
        StudyRound.objects.create(study=study, number=number, campaign=campaign)
        quote_campaign(campaign=campaign, now=now)
    return campaign


def _check_before(study: Study, number: int) -> None:
    """Raises CannotAsk while answers of an earlier round may still come in."""
    still = study.rounds.exclude(campaign__state__in=ENDED).select_related("campaign").first()
    if still is not None:
        raise CannotAsk(
            f"The campaign {still.campaign} of the study {study} is {still.campaign.state}: round {number + 1} can be "
            "asked once it is complete or closed."
        )


def _make_questions(study: Study, plan: Plan, number: int) -> Iterator[Question]:
    """What two methods say alike of a unit is asked once."""
    images = {one.path: one for one in _list_images(study)}
    rows = list(study.pairs.select_related("unit__layer__network").order_by("position"))
    pairs = describe_asked(study)
    for place in sorted(set(find_first(pairs))):
        before = sum(len(split_round(pairs[place], earlier, plan)) for earlier in range(number))
        gold = list(pairs[place].gold)[before * plan.n_gold :]
        for part, drawn in enumerate(split_round(pairs[place], number, plan)):
            shown = [*((path, None) for path in drawn), *gold[part * plan.n_gold : (part + 1) * plan.n_gold]]
            yield _make_question(rows[place], f"{place}.{number}.{part}", shown, images)


def _make_question(
    row: StudyPair, key: str, shown: list[tuple[str, bool | None]], images: Mapping[str, Image]
) -> Question:
    return Question(
        unit=row.unit,
        images=tuple(AskedImage(image=images[path], gold=gold) for path, gold in shown),
        texts=(row.text,),
        key=key,
        because="study",
    )


def _list_images(study: Study) -> list[Image]:
    return list(Image.objects.filter(image_set=study.dissection.image_set_id).select_related("image_set"))
