"""An assignment of a HIT: which tiles it shows of each unit, and what its answer says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotator.crowd.hit_types.answers import MAX_ACTIVE_SECONDS, read_seconds
from annotator.crowd.hit_types.hit_type import Finding, ShownUnit
from annotator.crowd.hit_types.templates import find_hit_type, load_template
from annotator.crowd.hit_types.tile_order import TileOrder, draw_order, draw_preview, draw_sections, draw_texts
from annotator.crowd.models import HIT, Answer, Assignment, HITUnit
from annotator.crowd.seeds import derive_seed

FINDING_FIELDS = ["says", "metrics", "description", "category", "marked_ranks", "precision", "n_planted_missed"]


def find_orders(*, hit: HIT, worker_id: str) -> tuple[int, dict[HITUnit, TileOrder]]:
    """The seed and the units' orders of this person's assignment: the same on every machine and after every restart."""
    seed = derive_assignment_seed(hit, worker_id)
    n_planted = load_template(hit.hit_type.template).n_planted
    units = hit.hit_units.prefetch_related("images__top_image").order_by("position")
    return seed, {unit: _draw(unit, seed=seed_unit(seed, unit.position), n_planted=n_planted) for unit in units}


def derive_assignment_seed(hit: HIT, worker_id: str) -> int:
    return derive_seed(hit.seed, worker_id)


def draw_preview_tiles(unit: HITUnit, *, seed: int) -> tuple[int, ...]:
    """What a preview shows. All photographs of a question, in an order of its own: none of them is a secret."""
    seed, images = seed_unit(seed, unit.position), list(unit.images.all())
    if shows_photographs(unit):
        sections = {image.rank: image.section for image in images}
        return draw_sections(seed=derive_seed(seed, "preview"), sections=sections).shown_ranks
    return draw_preview(seed=seed, ranks=[image.rank for image in images])


def _draw(unit: HITUnit, *, seed: int, n_planted: int) -> TileOrder:
    images = list(unit.images.all())
    if shows_photographs(unit):
        return draw_sections(seed=seed, sections={image.rank: image.section for image in images})
    return draw_order(
        seed=seed,
        top_ranks=[image.rank for image in images if not image.is_planted],
        low_ranks=[image.rank for image in images if image.is_planted],
        n_planted=n_planted,
    )


def shows_photographs(unit: HITUnit) -> bool:
    return any(image.image_id is not None for image in unit.images.all())


def order_texts(unit: HITUnit, *, seed: int) -> tuple[int, ...]:
    """The numbers of the unit's descriptions in the order of the page. `seed`: of the assignment, or of the HIT for its
    preview.
    """
    return draw_texts(seed=seed_unit(seed, unit.position), n_texts=len(unit.texts))


def seed_unit(seed: int, position: int) -> int:
    """A HIT's first unit has the HIT's own seed."""
    return seed if position == 0 else derive_seed(seed, position)


def show_units(assignment: Assignment, orders: Mapping[HITUnit, TileOrder]) -> None:
    """Writes which tiles the assignment shows, once: its answers, which say nothing yet."""
    rows = [
        Answer(
            assignment=assignment,
            hit_unit=unit,
            shown_ranks=list(order.shown_ranks),
            planted_ranks=list(order.planted_ranks),
        )
        for unit, order in orders.items()
    ]
    Answer.objects.bulk_create(rows, ignore_conflicts=True)


def list_shown(assignment: Assignment) -> list[ShownUnit]:
    return [_show(row, seed=assignment.seed) for row in _list_answers(assignment)]


def _show(row: Answer, *, seed: int) -> ShownUnit:
    unit = row.hit_unit
    numbers = order_texts(unit, seed=seed)
    # A unit whose crops are shown has no photographs, and is spared the query.
    images = unit.images.filter(gold__isnull=False) if unit.dissected_unit_id is None else ()
    return ShownUnit(
        unit.position,
        tuple(row.shown_ranks),
        frozenset(row.planted_ranks),
        unit.phrase,
        texts=tuple(unit.texts[number] for number in numbers),
        text_numbers=numbers,
        gold={image.rank: bool(image.gold) for image in images},
        facts=unit.facts,
    )


def _list_answers(assignment: Assignment) -> list[Answer]:
    return list(assignment.answers.select_related("hit_unit").order_by("hit_unit__position"))


@dataclass(frozen=True)
class Work:
    """An answer as it was understood: as fields that a marketplace keeps, and what it says about each unit."""

    fields: Mapping[str, str]
    findings: Sequence[Finding]
    active_seconds: float


def read_work(assignment: Assignment, values: Mapping[str, Any]) -> Work:
    """What the page of this assignment submitted. Raises BadAnswer."""
    hit_type, shown = find_hit_type(assignment.hit.hit_type.template), list_shown(assignment)
    parsed = hit_type.parse(values, shown)
    return Work(
        fields=hit_type.write_fields(parsed),
        findings=hit_type.score(parsed, shown),
        active_seconds=read_seconds(values.get("active_seconds")),
    )


def bound_seconds(assignment: Assignment, *, ended_at: datetime | None) -> float:
    """The most seconds that the work can have taken by clocks that are not the browser's.

    The server's clock runs from the start of the page to the stored answer, the marketplace's from acceptance to
    submission. 0 if neither saw the work.
    """
    spans = [(assignment.started_at, ended_at), (assignment.accepted_at, assignment.submitted_at)]
    known = [(end - begin).total_seconds() for begin, end in spans if begin is not None and end is not None]
    return max(0.0, min(known, default=0.0))


def fill_answers(assignment: Assignment, *, work: Work, ended_at: datetime | None) -> None:
    """Stores what the work says about each unit; the assignment's own columns are set and not yet saved.

    `ended_at`: when the server has the answer; None: it never had it. A program of the demo or of a test tells the time
    that a person would have taken, which is shown; paid time never goes by it (judging/paid_time.py).
    """
    hit_type = find_hit_type(assignment.hit.hit_type.template)
    is_simulated = assignment.worker is not None and assignment.worker.is_simulated
    most = MAX_ACTIVE_SECONDS if is_simulated else bound_seconds(assignment, ended_at=ended_at)
    assignment.active_seconds = min(work.active_seconds, most)
    assignment.raw_answer = hit_type.read_fields(work.fields) | {"active_seconds": work.active_seconds}
    for finding, answer in zip(work.findings, _list_answers(assignment), strict=True):
        for name in FINDING_FIELDS:
            setattr(answer, name, getattr(finding, name))
        answer.save(update_fields=FINDING_FIELDS)


def list_findings(answers: Iterable[Answer]) -> list[Finding]:
    """What was answered, by position; empty if nothing was, or if it could not be read. Needs `hit_unit`."""
    answered = [answer for answer in answers if answer.says is not None]
    return [_read_finding(answer) for answer in sorted(answered, key=lambda answer: answer.hit_unit.position)]


def _read_finding(answer: Answer) -> Finding:
    return Finding(
        position=answer.hit_unit.position,
        says=answer.says or {},
        metrics=answer.metrics,
        description=answer.description,
        category=answer.category,
        marked_ranks=None if answer.marked_ranks is None else tuple(answer.marked_ranks),
        precision=answer.precision,
        n_planted_missed=answer.n_planted_missed,
    )


def tell_answer(assignment: Assignment) -> dict[str, str]:
    """Name -> text, as the HIT type tells its answers; empty if nothing was answered."""
    findings = list_findings(assignment.answers.select_related("hit_unit"))
    return dict(find_hit_type(assignment.hit.hit_type.template).summarize(findings)) if findings else {}


def make_receipt(assignment: Assignment) -> str:
    """What a person can quote when something went wrong afterwards; it names no one."""
    return f"U-{derive_seed(assignment.hit.public_id, assignment.external_id, assignment.pk):016X}"[:14]
