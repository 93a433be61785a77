"""Everything a unit's page shows: crops with people's marks, answers, labels, IoU by category, history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from annotator.accounts.models import AuditEntry
from annotator.crowd.assignments import list_findings
from annotator.crowd.hit_types.templates import list_names, render_summary
from annotator.crowd.models import ANSWERED, Answer, HITUnit
from annotator.dashboard.units.scope import choose_speaking
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import BEST_FIRST
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, TopImage, Unit
from annotator.units.strips import count_tiles
from workers.engine.plurals import say_count


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
    is_peak_region: bool = False

    @property
    def words(self) -> str:
        judged = (
            f", {self.n_marks} of {say_count(self.n_judges, 'person says', 'people say')} it does not fit"
            if self.n_judges
            else ""
        )
        weighed = "" if self.p_fits is None or not self.n_judges else f", fits with probability {self.p_fits:.2f}"
        region = ", without a segment: the region of its peak is shown" if self.is_peak_region else ""
        return f"Rank {self.rank}, {self.name}, peak {self.peak:.3g}{region}{judged}{weighed}"


@dataclass(frozen=True)
class ShownAnswer:
    """An answer about the unit with its summary as HTML. `marked`: ranks, None if its HIT type asks for no marks."""

    answer: Answer
    summary: str

    @property
    def source(self) -> str:
        """The id of the dissection whose crops the person saw; "" if the answer was imported."""
        shown = self.answer.hit_unit.dissected_unit
        return str(shown.dissection_id) if shown is not None else ""

    @property
    def marked(self) -> list[int] | None:
        ranks: list[int] | None = self.answer.marked_ranks
        return ranks


@dataclass(frozen=True)
class OtherCrops:
    """What people say of other crops of the unit: another dissection's, or none of ours (then with their answers)."""

    dissection: Dissection | None
    label: UnitLabel | None
    answers: list[ShownAnswer]


@dataclass(frozen=True)
class UnitRecord:
    """`label` is the label of record of the crops shown; `labels` are the campaigns' own, newest first.

    `answers` are about these crops; what people say of others is in `elsewhere`.
    """

    unit: Unit
    measured: list[DissectedUnit]
    dissected: DissectedUnit | None
    crops: list[Crop]
    low_crops: list[Crop]
    automatic: list[AutomaticLabel]
    label: UnitLabel | None
    labels: list[UnitLabel]
    answers: list[ShownAnswer]
    elsewhere: list[OtherCrops]
    chosen: list[HITUnit]
    chosen_answer: ShownAnswer | None
    history: list[AuditEntry]

    @property
    def best(self) -> AutomaticLabel | None:
        return next((label for label in self.automatic if label.is_best), None)

    @property
    def leaves_simulated_out(self) -> bool:
        """True if simulated people answered too, and the label of record is that of people."""
        return self.label is not None and not self.label.n_simulated and any(one.n_simulated for one in self.labels)

    @property
    def n_peak_regions(self) -> int:
        """Top crops whose map has no segment."""
        return sum(crop.is_peak_region for crop in self.crops)

    @property
    def n_tiles(self) -> int:
        return count_tiles(self.dissected.dissection) if self.dissected else 0


def gather_record(*, unit: Unit, dissection_id: UUID | None, answer_id: int | None, mode: str) -> UnitRecord:
    """Nine queries. The dissection speaks that is named, or whose crops the named answer is about, or which speaks for
    the layer.
    """
    measured = _list_measured(unit)
    every_answer = [_show_answer(answer) for answer in find_answers(unit)]
    named = str(dissection_id) if dissection_id else _find_source(every_answer, answer_id)
    dissected = next((one for one in measured if str(one.dissection_id) == named), None) or _choose(unit, measured)
    source = str(dissected.dissection_id) if dissected else ""
    answers = [one for one in every_answer if one.source == source]
    chosen = next((one for one in answers if one.answer.assignment_id == answer_id), None)
    labels = list(
        UnitLabel.objects.filter(unit=unit)
        .select_related("campaign", "comparison__automatic_label")
        .order_by("-labeled_at", "pk")
    )
    label = next((one for one in labels if one.source == source and one.is_of_record), None)
    counted = [one for one in answers if _is_counted(one, label)]
    crops = _crops(dissected, counted, chosen, (label.crop_probabilities or {}) if label else {})
    return UnitRecord(
        unit=unit,
        measured=measured,
        dissected=dissected,
        crops=[crop for crop in crops if dissected and crop.rank < dissected.n_top],
        low_crops=[crop for crop in crops if dissected and crop.rank >= dissected.n_top],
        automatic=_automatic_labels(unit, dissected, mode),
        label=label,
        labels=[one for one in labels if one.source == source and one.campaign_id is not None],
        answers=answers,
        elsewhere=_list_elsewhere(source, measured, labels, every_answer),
        chosen=list(HITUnit.objects.filter(unit=unit).select_related("hit__campaign").order_by("hit_id")),
        chosen_answer=chosen,
        history=list(AuditEntry.objects.filter(subject=unit.audit_name).order_by("-id")[:20]),
    )


def _is_counted(shown: ShownAnswer, label: UnitLabel | None) -> bool:
    """Whether its marks are counted: not if it is left out, nor those of simulated people beside people's."""
    work = shown.answer.assignment
    is_simulated = work.worker is not None and work.worker.is_simulated
    return not work.is_left_out and not (is_simulated and label is not None and not label.n_simulated)


def find_speaking(unit: Unit) -> DissectedUnit | None:
    """The measurement of the unit by the dissection that speaks for its layer; None without a finished dissection."""
    return _choose(unit, _list_measured(unit))


def _list_measured(unit: Unit) -> list[DissectedUnit]:
    """By finished dissections, newest first."""
    return list(
        unit.dissections.filter(dissection__state=Dissection.State.DONE)
        .select_related("dissection__image_set", "dissection__network")
        .defer("dissection__labels")
        .order_by("-dissection__created_at")
    )


def _choose(unit: Unit, measured: Sequence[DissectedUnit]) -> DissectedUnit | None:
    if not measured:
        return None
    speaking = choose_speaking({unit.layer_id: [one.dissection for one in measured]})[unit.layer_id]
    return next(one for one in measured if one.dissection_id == speaking.pk)


def _find_source(answers: Sequence[ShownAnswer], answer_id: int | None) -> str:
    return next((one.source for one in answers if one.answer.assignment_id == answer_id), "")


def _list_elsewhere(
    source: str, measured: Sequence[DissectedUnit], labels: Sequence[UnitLabel], answers: Sequence[ShownAnswer]
) -> list[OtherCrops]:
    """Other crops of the unit that people have been asked about, newest dissection first, imported answers last."""
    dissections = {str(one.dissection_id): one.dissection for one in measured}
    told = {one.source for one in answers} | {one.source for one in labels}
    return [
        OtherCrops(
            dissection=dissections.get(other),
            label=next((one for one in labels if one.source == other and one.is_of_record), None),
            answers=[one for one in answers if one.source == other],
        )
        for other in [*dissections, ""]
        if other != source and other in told
    ]


def find_answers(unit: Unit) -> QuerySet[Answer]:
    """The answers about the unit, each with those of the same assignment about other units."""
    return (
        Answer.objects.filter(hit_unit__unit=unit, assignment__state__in=ANSWERED)
        .select_related(
            "assignment__worker", "assignment__hit__campaign", "assignment__hit__hit_type", "hit_unit__dissected_unit"
        )
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
            is_peak_region=image.is_peak_region,
        )
        for image in images
    ]
