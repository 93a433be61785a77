"""What a HIT page shows to one visitor: who they say they are, what the template gets, what the script is answered."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from annotator.crowd.assignments import make_receipt
from annotator.crowd.categories import SemanticCategory
from annotator.crowd.hit_types.answers import read_work
from annotator.crowd.hit_types.examples import EXAMPLES
from annotator.crowd.hit_types.templates import HITTemplate, load_template
from annotator.crowd.hit_types.tile_order import draw_preview
from annotator.crowd.marketplaces.mturk.answers import list_form_fields
from annotator.crowd.marketplaces.requirements import explain_requirements
from annotator.crowd.marketplaces.visit import Visit
from annotator.crowd.models import HIT, Assignment
from annotator.crowd.page.consent import write_consent
from annotator.crowd.page.sheets import COLUMNS, TILES_PER_SHEET, count_sheets
from annotator.crowd.page.tokens import PageClaim, WorkClaim, sign_page, sign_sheets, sign_work
from annotator.crowd.pseudonyms import find_worker, is_simulated


def find_preview_ranks(hit: HIT) -> tuple[int, ...]:
    return draw_preview(seed=hit.seed, ranks=list(hit.images.values_list("top_image__rank", flat=True)))


def describe_page(*, hit: HIT, visit: Visit) -> dict[str, Any]:
    """The template's context."""
    template = load_template(hit.hit_type.template)
    common = {
        "heading": template.heading,
        "style": template.style,
        "script": template.script,
        "categories": [{"value": c.value, "examples": EXAMPLES[c]} for c in SemanticCategory],
        "phrase": hit.phrase,
        "n_crops_in_work": _count_crops(hit, template),
        "requirements": explain_requirements(hit.campaign.qualifications),
        "most_hits": hit.campaign.max_hits_per_worker,
    }
    if visit.is_preview:
        return common | _describe_preview(hit)
    return common | _describe_start(hit=hit, visit=visit, template=template)


def _describe_preview(hit: HIT) -> dict[str, Any]:
    n_crops = len(find_preview_ranks(hit))
    address = f"/hit/{hit.public_id}/preview"
    config = {
        "page": "preview",
        "sheets": [f"{address}/{number}.jpg" for number in range(count_sheets(n_crops))],
        **_describe_grid(hit, n_crops),
    }
    return {
        "page": "preview",
        "simulated": False,
        "consent_needed": False,
        "n_crops": n_crops,
        "crop_numbers": range(1, n_crops + 1),
        "config": _as_script(config),
    }


def _describe_start(*, hit: HIT, visit: Visit, template: HITTemplate) -> dict[str, Any]:
    marketplace = hit.campaign.marketplace
    consent = write_consent(campaign=hit.campaign, template=template)
    worker = find_worker(marketplace=marketplace, worker_id=visit.worker_id)
    before = Assignment.objects.filter(hit__campaign=hit.campaign, worker=worker) if worker else None
    consent_needed = before is None or not before.filter(consent_version=consent.version).exists()
    n_crops = _count_crops(hit, template)
    public_id = str(hit.public_id)
    claim = PageClaim(
        public_id=public_id,
        assignment_id=visit.assignment_id,
        worker_id=visit.worker_id,
        submit_origin=visit.submit_origin,
    )
    config = {
        "page": "work",
        "token": sign_page(claim),
        "consent_needed": consent_needed,
        "urls": {act: f"/hit/{public_id}/{act}" for act in ("start", "draft", "submit")},
        **_describe_grid(hit, n_crops),
    }
    return {
        "page": "work",
        "simulated": is_simulated(marketplace=marketplace, worker_id=visit.worker_id),
        "consent": consent,
        "consent_needed": consent_needed,
        "first_time": consent_needed,
        "n_crops": n_crops,
        "crop_numbers": range(1, n_crops + 1),
        "config": _as_script(config),
    }


def describe_work(assignment: Assignment, *, submit_origin: str) -> dict[str, Any]:
    """What the script needs to show the crops and go on from the draft."""
    sheets = sign_sheets(assignment_pk=assignment.pk)
    n_crops = len(assignment.shown_ranks)
    claim = WorkClaim(public_id=str(assignment.hit.public_id), assignment_pk=assignment.pk, submit_origin=submit_origin)
    return {
        "state": "working",
        "work_token": sign_work(claim),
        "sheets": [f"/hit/sheet/{sheets}/{number}.jpg" for number in range(count_sheets(n_crops))],
        "draft": assignment.draft,
        "revision": assignment.draft_revision,
        **_describe_grid(assignment.hit, n_crops),
    }


def describe_stored(assignment: Assignment, *, submit_origin: str) -> dict[str, Any]:
    """The receipt, and the form that hands the assignment over to the marketplace."""
    kind = load_template(assignment.hit.hit_type.template).answer
    work = read_work(assignment.raw_answer or {}, kind=kind, n_crops=len(assignment.shown_ranks))
    receipt = make_receipt(assignment)
    return {
        "state": "stored",
        "receipt": receipt,
        "submit_to": f"{submit_origin}/mturk/externalSubmit",
        "fields": list_form_fields(assignment_id=assignment.external_id or "", work=work, receipt=receipt),
    }


def _count_crops(hit: HIT, template: HITTemplate) -> int:
    n_top = hit.images.filter(is_planted=False).count()
    return n_top + min(template.n_planted, hit.images.filter(is_planted=True).count())


def _describe_grid(hit: HIT, n_crops: int) -> dict[str, Any]:
    return {
        "n_crops": n_crops,
        "columns": COLUMNS,
        "tiles_per_sheet": TILES_PER_SHEET,
        "tile_px": hit.dissected_unit.tile_px if hit.dissected_unit else 128,
        "categories": [category.value for category in SemanticCategory],
    }


def _as_script(config: dict[str, Any]) -> SafeString:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(config).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return mark_safe(text)  # noqa: S308 (every character that HTML reads is escaped above)
