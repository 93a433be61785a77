"""Everything a unit's page shows: crops with people's marks, answers, labels, IoU by category, history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from annotator.accounts.models import AuditEntry
from annotator.crowd.models import ANSWERED, Assignment
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import BEST_FIRST
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, TopImage, Unit


@dataclass(frozen=True)
class Crop:
    """One tile of the sheet; `row` is its place in the strip."""

    row: int
    rank: int
    name: str
    peak: float
    n_marks: int
    n_judges: int
    is_marked_here: bool
    # By one-coin Dawid-Skene over workers; None where marks or workers are unknown.
    p_fits: float | None = None

    @property
    def words(self) -> str:
        judged = f", {self.n_marks} of {self.n_judges} people say it does not fit" if self.n_judges else ""
        weighed = "" if self.p_fits is None or not self.n_judges else f", fits with probability {self.p_fits:.2f}"
        return f"Rank {self.rank}, {self.name}, peak {self.peak:.3g}{judged}{weighed}"


@dataclass(frozen=True)
class UnitEvidence:
    unit: Unit
    measured: list[DissectedUnit]
    dissected: DissectedUnit | None
    crops: list[Crop]
    low_crops: list[Crop]
    automatic: list[AutomaticLabel]
    labels: list[UnitLabel]
    answers: list[Assignment]
    chosen_answer: Assignment | None
    history: list[AuditEntry]

    @property
    def best(self) -> AutomaticLabel | None:
        return next((label for label in self.automatic if label.is_best), None)

    @property
    def n_tiles(self) -> int:
        return self.dissected.n_top + self.dissected.n_low if self.dissected else 0


def gather_evidence(*, unit: Unit, dissection_id: UUID | None, answer_id: int | None, mode: str) -> UnitEvidence:
    """Six queries. The newest finished dissection speaks unless another is named."""
    measured = list(
        unit.dissections.filter(dissection__state=Dissection.State.DONE)
        .select_related("dissection__image_set", "dissection__network")
        .defer("dissection__labels")
        .order_by("-dissection__created_at")
    )
    named = [one for one in measured if one.dissection_id == dissection_id]
    dissected = next(iter(named or measured), None)
    answers = list(find_answers(unit))
    chosen = next((one for one in answers if one.pk == answer_id), None)
    labels = list(
        UnitLabel.objects.filter(unit=unit)
        .select_related("campaign", "comparison__automatic_label")
        .order_by("-labeled_at")
    )
    crops = _crops(dissected, answers, chosen, labels[0].crop_probabilities or {} if labels else {})
    return UnitEvidence(
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


def find_answers(unit: Unit) -> QuerySet[Assignment]:
    return (
        Assignment.objects.filter(hit__unit=unit, state__in=ANSWERED)
        .select_related("worker", "hit__campaign")
        .defer("shown_ranks", "draft", "raw_answer")
        .order_by("hit__campaign_id", "id")
    )


def _automatic_labels(unit: Unit, dissected: DissectedUnit | None, mode: str) -> list[AutomaticLabel]:
    labels = AutomaticLabel.objects.filter(unit=unit).order_by(*BEST_FIRST)
    if dissected is not None:
        return list(labels.filter(dissection=dissected.dissection_id, mode=mode))
    return list(labels.filter(mode=AutomaticLabel.Mode.IMPORTED))


def _crops(
    dissected: DissectedUnit | None,
    answers: Sequence[Assignment],
    chosen: Assignment | None,
    p_fits: Mapping[str, float],
) -> list[Crop]:
    """Marks are counted over the answers that saw this dissection's crops."""
    if dissected is None:
        return []
    judges = [answer for answer in answers if answer.hit.dissected_unit_id == dissected.pk]
    marks = Counter(rank for answer in judges for rank in answer.marked_ranks)
    images = TopImage.objects.filter(dissected_unit=dissected).select_related("image").order_by("rank")
    return [
        Crop(
            row=image.rank,
            rank=image.rank,
            name=image.image.path.rpartition("/")[2],
            peak=image.peak,
            n_marks=marks[image.rank],
            n_judges=0 if image.is_low else len(judges),
            is_marked_here=chosen is not None and image.rank in chosen.marked_ranks,
            p_fits=p_fits.get(str(image.rank)),
        )
        for image in images
    ]
