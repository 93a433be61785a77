"""Which photographs a HIT type shows of each chosen unit, as its `hit_type.toml` says: its top, its low, or any images.

A study (docs/studies.md) draws photographs by a plan of its own and does not come here.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from annotator.crowd.campaigns.composing import CannotCompose, refuse_silent
from annotator.crowd.campaigns.questions import AskedImage, Question
from annotator.crowd.campaigns.unit_choice import ChosenUnit
from annotator.crowd.hit_types.templates import HITTemplate, load_template
from annotator.crowd.seeds import derive_seed
from annotator.units.models import DissectedUnit, Dissection, Image
from workers.engine.plurals import say_count

# More than any HIT type shows.
MOST_DRAWN = 100


def make_questions(
    units: Sequence[ChosenUnit],
    *,
    template: str,
    texts: Mapping[int, Sequence[str]],
    seed: int,
    facts: Mapping[str, Any] | None = None,
) -> list[Question]:
    """One question for each unit, and one more as a catch trial for every so many if the HIT type has such.

    `texts`: unit id -> its descriptions, for a HIT type that asks about them. `facts`: of every question. Raises
    CannotCompose.
    """
    loaded = load_template(template)
    refuse_silent(units)
    lacking = [choice for choice in units if len(texts.get(_id(choice), ())) < loaded.min_texts]
    if lacking:
        raise CannotCompose(
            f"With fewer than {say_count(loaded.min_texts, 'description')} to ask about: {len(lacking)} of "
            f"{say_count(len(units), 'unit')}."
        )
    asked = [
        Question(
            unit=choice.dissected_unit.unit,
            images=tuple(_draw(choice.dissected_unit, loaded, seed=seed)),
            texts=tuple(texts.get(_id(choice), ())),
            facts=facts or {},
            because=choice.because,
            probability=choice.probability,
        )
        for choice in units
    ]
    n_catches = count_catches(template, len(asked))
    every = len(asked) // n_catches if n_catches else 1
    return asked + [_catch(question) for question in asked[every - 1 :: every][:n_catches]]


def count_catches(template: str, n_questions: int) -> int:
    """How many catch trials stand beside so many questions."""
    every = load_template(template).catch_every
    return n_questions // every if every else 0


def _id(choice: ChosenUnit) -> int:
    return choice.dissected_unit.unit_id


def _draw(unit: DissectedUnit, template: HITTemplate, *, seed: int) -> Iterator[AskedImage]:
    pools = {of: _list_images(unit, of, seed=seed) for of in {row.of for row in template.photographs}}
    for row in template.photographs:
        pool = pools[row.of]
        if len(pool) < row.n:
            raise CannotCompose(f"{unit} has too few {row.of} photographs: {row.n} are needed, {len(pool)} are left.")
        for image in pool[: row.n]:
            yield AskedImage(image=image, gold=row.gold, section=row.section)
        del pool[: row.n]


def _list_images(unit: DissectedUnit, of: str, *, seed: int) -> list[Image]:
    """Top and low ones by rank; any of the set in an order drawn from the seed and the unit's name."""
    if of == "any":
        return _shuffle(unit.dissection, seed=derive_seed(seed, unit.unit.layer.path, unit.unit.index, "photographs"))
    ranked = unit.top_images.filter(is_low=of == "low").select_related("image__image_set").order_by("rank")
    return [one.image for one in ranked]


def _shuffle(dissection: Dissection, *, seed: int) -> list[Image]:
    fine = Image.objects.filter(image_set=dissection.image_set_id, quarantine_reason="")
    ids = list(fine.order_by("index").values_list("pk", flat=True))
    chosen = random.Random(seed).sample(ids, min(len(ids), MOST_DRAWN))
    found = Image.objects.select_related("image_set").in_bulk(chosen)
    return [found[pk] for pk in chosen]


def _catch(question: Question) -> Question:
    """The same question with an answer that is in view: its last section shows again what stands in those before."""
    last = max(one.section for one in question.images)
    before = [one for one in question.images if one.section < last]
    asked = [one for one in question.images if one.section == last]
    firsts = {section: next(one.image for one in before if one.section == section) for section in range(last)}
    again = [replace(one, image=firsts[0 if one.gold else last - 1]) for one in asked]
    facts = {**question.facts, "is_catch": True}
    return replace(question, images=(*before, *again), facts=facts, because="catch trial", probability=None)
