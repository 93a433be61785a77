"""Everything a unit's page shows: crops with people's marks, answers, labels, IoU by category, history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from annotator.accounts.models import AuditEntry
from annotator.crowd.assignments import list_findings
from annotator.crowd.hit_types.templates import list_names, render_summary
from annotator.crowd.models import ANSWERED, Answer
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import BEST_FIRST
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, TopImage, Unit


@dataclass(frozen=True)
class Crop:
    """One tile of the sheet; `rank` is also its place in the strip."""

    rank: int
    name: str
    peak: float
    n_marks: int
    n_judges: int
    is_marked_here: bool
    # By labels.weighing; None if marks or workers are unknown.
    p_fits: float | None = None

    @property
    def words(self) -> str:
        judged = f", {self.n_marks} of {self.n_judges} people say it does not fit" if self.n_judges else ""
        weighed = "" if self.p_fits is None or not self.n_judges else f", fits with probability {self.p_fits:.2f}"
        return f"Rank {self.rank}, {self.name}, peak {self.peak:.3g}{judged}{weighed}"


@dataclass(frozen=True)
class ShownAnswer:
    """An answer about the unit with its summary as HTML. `marked`: ranks, None if its HIT type asks for no marks."""

    answer: Answer
    summary: str

    @property
    def marked(self) -> list[int] | None:
        ranks: list[int] | None = self.answer.marked_ranks
        return ranks


@dataclass(frozen=True)
class UnitRecord:
    unit: Unit
    measured: list[DissectedUnit]
    dissected: DissectedUnit | None
    crops: list[Crop]
    low_crops: list[Crop]
    automatic: list[AutomaticLabel]
    labels: list[UnitLabel]
    answers: list[ShownAnswer]
    chosen_answer: ShownAnswer | None
    history: list[AuditEntry]

    @property
    def best(self) -> AutomaticLabel | None:
        return next((label for label in self.automatic if label.is_best), None)

    @property
    def n_tiles(self) -> int:
        return self.dissected.n_top + self.dissected.n_low if self.dissected else 0


def gather_record(*, unit: Unit, dissection_id: UUID | None, answer_id: int | None, mode: str) -> UnitRecord:
    """Seven queries. The newest finished dissection speaks unless another is named."""
    measured = list(
        unit.dissections.filter(dissection__state=Dissection.State.DONE)
        .select_related("dissection__image_set", "dissection__network")
        .defer("dissection__labels")
        .order_by("-dissection__created_at")
    )
    named = [one for one in measured if one.dissection_id == dissection_id]
    dissected = next(iter(named or measured), None)
    answers = [_show_answer(answer) for answer in find_answers(unit)]
    chosen = next((one for one in answers if one.answer.assignment_id == answer_id), None)
    labels = list(
        UnitLabel.objects.filter(unit=unit)
        .select_related("campaign", "comparison__automatic_label")
        .order_by("-labeled_at")
    )
    crops = _crops(dissected, answers, chosen, labels[0].crop_probabilities or {} if labels else {})
    return UnitRecord(
        unit=unit,
        measured=measured,
        dissected=dissected,
        crops=[crop for crop in crops if dissected and crop.rank < dissected.n_top],
        low_crops=[crop for crop in crops if dissected and crop.rank >= dissected.n_top],
        automatic=_automatic_labels(unit, dissected, mode),
        labels=labels,
        answers=answers,
        chosen_answer=chosen,
        history=list(AuditEntry.objects.filter(subject=unit.audit_name).order_by("-id")[:20]),
    )


def find_answers(unit: Unit) -> QuerySet[Answer]:
    """The answers about the unit, each with those of the same assignment about other units."""
    return (
        Answer.objects.filter(hit_unit__unit=unit, assignment__state__in=ANSWERED)
        .select_related("assignment__worker", "assignment__hit__campaign", "assignment__hit__hit_type", "hit_unit")
        .prefetch_related(Prefetch("assignment__answers", Answer.objects.select_related("hit_unit")))
        .defer("assignment__draft", "assignment__raw_answer")
        .order_by("assignment__hit__campaign_id", "assignment_id")
    )


def _show_answer(answer: Answer) -> ShownAnswer:
    findings = list_findings(answer.assignment.answers.all())
    name, position = answer.assignment.hit.hit_type.template, answer.hit_unit.position
    return ShownAnswer(answer, render_summary(name, findings, position=position))


def _automatic_labels(unit: Unit, dissected: DissectedUnit | None, mode: str) -> list[AutomaticLabel]:
    labels = AutomaticLabel.objects.filter(unit=unit).order_by(*BEST_FIRST)
    if dissected is not None:
        return list(labels.filter(dissection=dissected.dissection_id, mode=mode))
    return list(labels.filter(mode=AutomaticLabel.Mode.IMPORTED))


def _crops(
    dissected: DissectedUnit | None,
    answers: Sequence[ShownAnswer],
    chosen: ShownAnswer | None,
    p_fits: Mapping[str, float],
) -> list[Crop]:
    """Marks are counted over the answers that saw this dissection's crops and were asked to mark them."""
    if dissected is None:
        return []
    adding = list_names(adds_to="label")
    judges = [
        one.marked for one in answers
        if one.answer.hit_unit.dissected_unit_id == dissected.pk
        and one.answer.assignment.hit.hit_type.template in adding and one.marked is not None
    ]  # fmt: skip
    marks = Counter(rank for marked in judges for rank in marked)
    images = TopImage.objects.filter(dissected_unit=dissected).select_related("image").order_by("rank")
    return [
        Crop(
            rank=image.rank,
            name=image.image.path.rpartition("/")[2],
            peak=image.peak,
            n_marks=marks[image.rank],
            n_judges=0 if image.is_low else len(judges),
            is_marked_here=chosen is not None and image.rank in (chosen.marked or ()),
            p_fits=p_fits.get(str(image.rank)),
        )
        for image in images
    ]
