"""What a HIT page shows to one visitor: who they say they are, what the template gets, what the script is answered."""

import itertools
import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_noop

from annotator.crowd.assignments import (
    derive_assignment_seed,
    draw_preview_tiles,
    make_receipt,
    order_texts,
    read_work,
    shows_photographs,
)
from annotator.crowd.categories import SemanticCategory
from annotator.crowd.eligibility import INDEPENDENCE
from annotator.crowd.hit_types.templates import HITTemplate, load_template, translate_sentences
from annotator.crowd.marketplaces.marketplace import Visit
from annotator.crowd.marketplaces.requirements import explain_requirements
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Assignment, HITUnit
from annotator.crowd.page.answering import tell_draft
from annotator.crowd.page.consent import has_agreed, write_consent
from annotator.crowd.page.sheets import COLUMNS, TILES_PER_SHEET, ShownTiles, count_all_sheets
from annotator.crowd.page.starting import describe_visitor
from annotator.crowd.page.tokens import sign_page, sign_sheets, sign_work
from annotator.units.photographs import TILE_PX

NOT_COUNTED = gettext_noop(
    "You had already answered about this unit, or done as many HITs of this study as one person may. You are paid for "
    "this answer all the same, but it is not counted. Please take no more of these HITs."
)
# How long a stored answer waits on the page before it is handed over.
SECONDS_TO_CORRECT = 4
# What the page names for each of the six categories.
EXAMPLES = {
    SemanticCategory.SCENE: gettext_noop("a whole place: street, beach, corridor, bedroom"),
    SemanticCategory.REGION_OR_SURFACE: gettext_noop("a stretch of something: road, grass, wall, sky, water"),
    SemanticCategory.OBJECT: gettext_noop("a thing one can point at: lamp, car, dog, person"),
    SemanticCategory.OBJECT_PART: gettext_noop("a part of a thing: wheel, leg, window, head"),
    SemanticCategory.TEXTURE_OR_MATERIAL: gettext_noop("a pattern or stuff: stripes, wood, fur, brick"),
    SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS: gettext_noop("lines, edges, corners, dots, red, dark areas"),
}


def find_preview_tiles(hit: HIT) -> list[ShownTiles]:
    return [_show(unit, draw_preview_tiles(unit, seed=hit.seed)) for unit in list_units(hit)]


def _show(unit: HITUnit, ranks: tuple[int, ...]) -> ShownTiles:
    return ShownTiles(unit, ranks, {image.rank: image.tile for image in unit.images.all() if image.tile})


def list_units(hit: HIT) -> list[HITUnit]:
    units = hit.hit_units.select_related("dissected_unit__dissection").prefetch_related("images__top_image")
    return list(units.order_by("position"))


def describe_page(*, hit: HIT, visit: Visit) -> dict[str, Any]:
    """The template's context."""
    template = load_template(hit.hit_type.template)
    config, of_visit = _describe_preview(hit) if visit.is_preview else _describe_start(hit, visit, template)
    return of_visit | {
        "page": config["page"],
        "config": _as_script(config),
        "units": [unit | {"crop_numbers": range(1, unit["n_crops"] + 1)} | _number(unit) for unit in config["units"]],
        "heading": gettext(template.heading),
        "style": template.style,
        "script": template.script,
        "categories": _describe_categories(),
        "n_crops_in_work": sum(_count_crops(hit, template)),
        "requirements": explain_requirements(hit.campaign.qualifications),
        "most_hits": hit.campaign.max_hits_per_worker,
    }


def _describe_categories() -> list[dict[str, str]]:
    names = [(category.value, gettext(category.value), gettext(EXAMPLES[category])) for category in SemanticCategory]
    return [{"value": value, "words": words, "examples": examples} for value, words, examples in names]


def _number(unit: dict[str, Any]) -> dict[str, Any]:
    """`section_numbers`: of a question about photographs, the numbers of each section's, counted from one."""
    ends = list(itertools.accumulate(unit.get("sections", ())))
    begins = [0, *ends[:-1]]
    return {"section_numbers": [range(first + 1, end + 1) for first, end in zip(begins, ends, strict=False)]}


def _describe_preview(hit: HIT) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the script gets, and what the template gets besides."""
    tiles = find_preview_tiles(hit)
    address = f"/hit/{hit.public_id}/preview"
    config = {
        "page": "preview",
        "sheets": [f"{address}/{number}.jpg" for number in range(count_all_sheets(tiles))],
        **_describe_grid(hit, [len(one.ranks) for one in tiles], seed=hit.seed),
    }
    return config, {"simulated": False, "consent_needed": False}


def _describe_start(hit: HIT, visit: Visit, template: HITTemplate) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the script gets, and what the template gets besides."""
    campaign, public_id = hit.campaign, str(hit.public_id)
    consent = write_consent(campaign=campaign, template=template)
    known = describe_visitor(hit=hit, visit=visit).list_known()
    consent_needed = not has_agreed(known, campaign=campaign, consent=consent)
    config = {
        "page": "work",
        "token": sign_page(visit, public_id=public_id),
        "consent_needed": consent_needed,
        "seconds_to_correct": SECONDS_TO_CORRECT,
        "urls": {act: f"/hit/{public_id}/{act}" for act in ("start", "draft", "submit")},
        **_describe_grid(hit, _count_crops(hit, template), seed=derive_assignment_seed(hit, visit.worker_id)),
    }
    return config, {
        "simulated": open_marketplace(campaign.marketplace).is_simulated(visit.worker_id),
        "consent": consent,
        "consent_needed": consent_needed,
        "first_time": consent_needed,
    }


def describe_work(assignment: Assignment, *, submit_origin: str, now: datetime) -> dict[str, Any]:
    """What the script needs to show the crops and go on from the draft."""
    sheets = sign_sheets(assignment_pk=assignment.pk)
    tiles = find_shown_tiles(assignment)
    public_id = str(assignment.hit.public_id)
    return {
        "state": "working",
        "receipt": make_receipt(assignment),
        "work_token": sign_work(public_id=public_id, assignment_pk=assignment.pk, submit_origin=submit_origin),
        "sheets": [f"/hit/sheet/{sheets}/{number}.jpg" for number in range(count_all_sheets(tiles))],
        "draft": tell_draft(assignment, now=now),
        "revision": assignment.draft_revision,
        **_describe_grid(assignment.hit, [len(one.ranks) for one in tiles], seed=assignment.seed),
    }


def find_shown_tiles(assignment: Assignment) -> list[ShownTiles]:
    answers = assignment.answers.select_related("hit_unit__dissected_unit__dissection").order_by("hit_unit__position")
    return [_show(answer.hit_unit, tuple(answer.shown_ranks)) for answer in answers]


def describe_stored(assignment: Assignment, *, submit_origin: str) -> dict[str, Any]:
    """The receipt, and the form that hands the assignment over to the marketplace."""
    work = read_work(assignment, assignment.raw_answer or {})
    receipt = make_receipt(assignment)
    visit = Visit(is_preview=False, assignment_id=assignment.external_id or "", submit_origin=submit_origin)
    fields = {**work.fields, "active_seconds": f"{work.active_seconds:.1f}"}
    form = open_marketplace(assignment.hit.campaign.marketplace).hand_back(visit, fields, receipt=receipt)
    note = gettext(NOT_COUNTED) if assignment.is_left_out and assignment.count_decided_by == INDEPENDENCE else ""
    return {
        "state": "stored",
        "receipt": receipt,
        "note": note,
        # Work of a claimed visit can be paid only after the marketplace has listed it.
        "is_confirmed": assignment.worker_id is not None,
        "submit_to": form.url,
        "method": form.method,
        "fields": dict(form.fields),
    }


def _count_crops(hit: HIT, template: HITTemplate) -> list[int]:
    """How many crops an assignment shows of each unit."""
    planted = [[image.is_planted for image in unit.images.all()] for unit in list_units(hit)]
    return [one.count(False) + min(template.n_planted, one.count(True)) for one in planted]


def _describe_grid(hit: HIT, n_crops: list[int], *, seed: int) -> dict[str, Any]:
    """What the script is told of the crops or photographs; `n_crops` of each unit. The units' sheets follow each other.

    `seed`: what the order of a question's descriptions is drawn from.
    """
    units = [
        {"n_crops": n, "tile_px": _tell_px(unit), "phrase": unit.phrase, **_describe_question(unit, seed=seed)}
        for unit, n in zip(list_units(hit), n_crops, strict=True)
    ]
    return {
        "hit_type": hit.hit_type.template,
        "language": get_language(),
        "words": translate_sentences(load_template(hit.hit_type.template)),
        "units": units,
        "n_crops": sum(n_crops),
        "columns": COLUMNS,
        "tiles_per_sheet": TILES_PER_SHEET,
        "categories": [category.value for category in SemanticCategory],
    }


def _tell_px(unit: HITUnit) -> int:
    if shows_photographs(unit):
        return TILE_PX
    return unit.dissected_unit.tile_px if unit.dissected_unit else 128


def _describe_question(unit: HITUnit, *, seed: int) -> dict[str, Any]:
    """What a page is told of a question about photographs: nothing of a unit's crops."""
    if not shows_photographs(unit):
        return {}
    texts = [unit.texts[number] for number in order_texts(unit, seed=seed)]
    sizes = Counter(image.section for image in unit.images.all())
    return {
        "texts": texts,
        "sections": [sizes[at] for at in sorted(sizes)],
        "is_graded": bool(unit.facts.get("is_graded")),
    }


def _as_script(config: dict[str, Any]) -> SafeString:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(config).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return mark_safe(text)  # noqa: S308 (every character that HTML reads is escaped above)
