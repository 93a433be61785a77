"""Campaigns that ask about whole photographs: composed from questions that whoever asks has prepared.

A question is about one unit, some photographs, and none, one or several descriptions. Nothing in a HIT tells where a
description is from: HITs stand in an order drawn by the campaign's seed, and the asker's name of a question stays here.
"""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from annotator.crowd.campaigns.composing import CannotCompose, check_name_of, check_terms
from annotator.crowd.campaigns.tiles import hold_tiles
from annotator.crowd.hit_types.templates import HITTemplate, load_template
from annotator.crowd.models import HIT, Campaign, HITImage, HITType, HITUnit
from annotator.crowd.seeds import derive_seed
from annotator.names import claim_name
from annotator.units.models import Image, Unit
from annotator.units.photographs import keep_tiles
from workers.engine.plurals import say_count

MAX_TEXT = 1000
MAX_KEY = 200


@dataclass(frozen=True)
class AskedImage:
    """A photograph of a question, shuffled within its section. `gold`: the right answer, if it is known."""

    image: Image
    gold: bool | None = None
    section: int = 0


@dataclass(frozen=True)
class Question:
    """What one HIT asks. `key`: the asker's own name of it, given back with each answer and on no page.

    `facts`: what the HIT type asks besides (its `answer.py` says which it knows). `because` and `probability`: how the
    unit was chosen.
    """

    unit: Unit
    images: tuple[AskedImage, ...]
    texts: tuple[str, ...] = ()
    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    because: str = "named"
    probability: float | None = None


def compose_questions(campaign: Campaign, *, template: str, questions: Sequence[Question]) -> None:
    """Saves this campaign as a draft with one HIT per question. Raises CannotCompose, PhotographsGone.

    The photographs are read once, here; afterwards pages show the stored pictures. Needs the images' `image_set` and
    the units' `layer__network`.
    """
    loaded = load_template(template)
    if not loaded.photographs:
        raise CannotCompose(f"The HIT type {template} shows crops of units, not photographs.")
    _check(questions, loaded)
    check_name_of(campaign)
    check_terms(campaign, n_hits=len(questions))
    with transaction.atomic():
        hold_tiles()
        tiles = keep_tiles({one.image.pk: one.image for question in questions for one in question.images}.values())
        with claim_name(campaign.name):
            campaign.save()
        hit_type = HITType.objects.create(campaign=campaign, template=template, template_sha256=loaded.sha256)
        _write(hit_type, questions, tiles)


def _check(questions: Sequence[Question], template: HITTemplate) -> None:
    if not questions:
        raise CannotCompose("There are no questions to ask.")
    seen: dict[str, Question] = {}
    for question in questions:
        name = f"The question {question.key or question.unit}"
        if not question.images:
            raise CannotCompose(f"{name} has no photographs.")
        if not template.min_texts <= len(question.texts) <= template.max_texts:
            raise CannotCompose(
                f"{name} has {say_count(len(question.texts), 'description')}; {template.name} asks about "
                f"{template.min_texts} to {template.max_texts}."
            )
        if len({(one.image.pk, one.section) for one in question.images}) < len(question.images):
            raise CannotCompose(f"{name} has one photograph twice.")
        if len(question.key) > MAX_KEY:
            raise CannotCompose(f"{name[:80]} has a name of more than {MAX_KEY} characters.")
        for text in question.texts:
            if not 0 < len(text.strip()) <= MAX_TEXT:
                raise CannotCompose(f"{name}: a description has 1 to {MAX_TEXT} characters, not {len(text.strip())}.")
        if len(set(question.texts)) < len(question.texts):
            raise CannotCompose(f"{name} has one description twice: ask about it once.")
        if (twin := seen.setdefault(make_question_key(question), question)) is not question:
            raise CannotCompose(f"{name} and {twin.key or twin.unit} ask the same: ask once, with more assignments.")


def make_question_key(question: Question) -> str:
    """Equal for equal questions, in whatever campaign they are asked."""
    shown = [(one.section, one.image.pk) for one in question.images]
    return spell_question_key(question.unit.pk, shown, texts=question.texts, facts=question.facts)


def spell_question_key(
    unit: int, shown: Iterable[tuple[int, int]], *, texts: Sequence[str], facts: Mapping[str, Any]
) -> str:
    """`shown`: section and image of each photograph, in any order."""
    digest = hashlib.sha256(repr((sorted(shown), tuple(texts), sorted(facts.items()))).encode()).hexdigest()
    return f"{unit}:{digest[:32]}"


def _write(hit_type: HITType, questions: Sequence[Question], tiles: Mapping[int, str]) -> None:
    campaign = hit_type.campaign
    # The order of HITs is what people and marketplaces see first: it must not be that of methods or units.
    shuffled = list(questions)
    random.Random(derive_seed(campaign.seed, "order of questions")).shuffle(shuffled)
    hits = [
        HIT(
            campaign=campaign, hit_type=hit_type, question_key=make_question_key(question),
            seed=_seed(campaign, question, hit_type.template), n_assignments=campaign.n_assignments,
        )
        for question in shuffled
    ]  # fmt: skip
    HIT.objects.bulk_create(hits)
    units = [
        HITUnit(
            hit=hit, unit=question.unit, phrase=question.texts[0] if len(question.texts) == 1 else "",
            texts=list(question.texts), facts=dict(question.facts), asked_as=question.key,
            chosen_because=question.because, inclusion_probability=question.probability,
        )
        for hit, question in zip(hits, shuffled, strict=True)
    ]  # fmt: skip
    HITUnit.objects.bulk_create(units)
    images = [
        HITImage(
            hit_unit=row, image=one.image, number=number, section=one.section, gold=one.gold, tile=tiles[one.image.pk]
        )
        for row, question in zip(units, shuffled, strict=True)
        for number, one in enumerate(question.images)
    ]
    HITImage.objects.bulk_create(images, batch_size=5_000)


def _seed(campaign: Campaign, question: Question, template: str) -> int:
    """From names, so that it is the same everywhere."""
    layer = question.unit.layer
    images = [f"{one.section} {one.image.path}" for one in question.images]
    return derive_seed(
        campaign.seed, layer.network.name, layer.path, question.unit.index, template, *question.texts, *images
    )
