"""An assignment of a HIT: which tiles it shows, and what its answer says."""

from annotator.crowd.hit_types.answers import Answer, Verdict, score_answer, write_raw
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.hit_types.tile_order import TileOrder, draw_order
from annotator.crowd.models import HIT, Assignment
from annotator.crowd.seeds import derive_seed


def find_order(*, hit: HIT, worker_id: str) -> tuple[int, TileOrder]:
    """The seed and order of this person's assignment: the same on every machine and after every restart."""
    template = load_template(hit.hit_type.template)
    ranks = list(hit.images.values_list("top_image__rank", "is_planted"))
    seed = derive_seed(hit.seed, worker_id)
    order = draw_order(
        seed=seed,
        top_ranks=[rank for rank, is_planted in ranks if not is_planted],
        low_ranks=[rank for rank, is_planted in ranks if is_planted],
        n_planted=template.n_planted,
    )
    return seed, order


def find_own_order(row: Assignment) -> TileOrder:
    return TileOrder(tuple(row.shown_ranks), tuple(row.planted_ranks))


def fill_answer(row: Assignment, *, work: Answer | Verdict) -> None:
    """The answer and its score, put on its row (not yet saved)."""
    row.raw_answer = write_raw(work)
    row.active_seconds = work.active_seconds
    if isinstance(work, Verdict):
        row.verdict = work.fits
        return
    score = score_answer(work, find_own_order(row))
    row.description = work.description
    row.category = work.category.value
    row.marked_ranks = list(score.marked_ranks)
    row.precision = score.precision
    row.n_planted_missed = score.n_planted_missed


def make_receipt(assignment: Assignment) -> str:
    """What a person can quote when something went wrong afterwards; it names no one."""
    return f"U-{derive_seed(assignment.hit.public_id, assignment.external_id, assignment.pk):016X}"[:14]
