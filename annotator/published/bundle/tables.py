"""What of the database goes into a bundle: one table per file, and for every field left out the reason.

A test fails when a field of a model is neither exported nor named here. Tables stand in the order in which they refer
to one another. A row refers to a row of another table by its number in that table's file, counted from zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Model, Q, QuerySet

from annotator.comparison.models import ImportedDescription, UnitComparison
from annotator.crowd.linked import Link, LinkedHIT, LinkedWork
from annotator.crowd.models import (
    HIT,
    Answer,
    Assignment,
    Campaign,
    Compensation,
    HITImage,
    HITType,
    HITUnit,
    Letter,
    Notice,
    OutwardAct,
    Rejection,
    Worker,
)
from annotator.descriptions.models import Description, Method
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.notes.models import SavedView, UnitNote, UnitTag
from annotator.published.bundle.names import call_imported, forget_folder
from annotator.published.models import ImportedBundle
from annotator.studies.models import Study, StudyPair, StudyRound
from annotator.units.models import (
    AutomaticLabel,
    DissectedUnit,
    Dissection,
    GPUTask,
    Image,
    ImageSet,
    Layer,
    Network,
    NetworkAlias,
    RandomBaseline,
    TopImage,
    Unit,
    forget_imported,
    name_artifact,
)

_BASELINE_LINK: type[Model] = RandomBaseline.dissections.through

# Of a reviewer's decisions.
_IN_FORCE = "decisions that were taken back do not go out"
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Table:
    """`left_out`: field -> reason. `key`: the fields that tell a row that another campaign's bundle may have brought;
    without a key every row is new. `may_differ`: fields in which a row that is here already need not be equal.
    `going`, `coming`: field -> what is done to its value on the way out and in. `set_here`: from a new row's values,
    the values of fields that are left out. `added`: what a row says besides its fields, for readers.
    `within`: the field that names what a row is a part of; if that is here already, so must be all its parts, unless
    it has none (`may_be_lacking`). `is_later`: a bundle of an earlier Unitscope has no such file.
    """

    name: str
    model: type[Model]
    rows: Callable[[Campaign], QuerySet[Any]]
    order: tuple[str, ...] = ("pk",)
    left_out: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    may_differ: frozenset[str] = frozenset()
    going: Mapping[str, Change] = field(default_factory=dict)
    coming: Mapping[str, Change] = field(default_factory=dict)
    set_here: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: {}
    added: Mapping[str, Any] = field(default_factory=dict)
    within: str = ""
    may_be_lacking: bool = False
    is_later: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.jsonl"

    @property
    def fields(self) -> list[Any]:
        """In the model's order. A row's own number is no field; a dissection's id is."""
        mine = self.model._meta.concrete_fields
        return [
            one for one in mine if not one.get_internal_type().endswith("AutoField") and one.name not in self.left_out
        ]


def find_dissections(campaign: Campaign) -> QuerySet[Dissection]:
    asked = DissectedUnit.objects.filter(hit_units__hit__campaign=campaign)
    return Dissection.objects.filter(pk__in=asked.values("dissection"))


def _with_baselines(campaign: Campaign) -> QuerySet[Dissection]:
    """The dissections, and those with random weights whose counts stand beside theirs."""
    asked = find_dissections(campaign)
    measured = Q(pk__in=_baselines(campaign).values("measured_by"))
    return Dissection.objects.filter(Q(pk__in=asked.values("pk")) | measured)


def _baselines(campaign: Campaign) -> QuerySet[RandomBaseline]:
    beside = _BASELINE_LINK._default_manager.filter(dissection__in=find_dissections(campaign))
    done = RandomBaseline.objects.filter(measured_by__state=Dissection.State.DONE)
    return done.filter(pk__in=beside.values("randombaseline"))


def find_asked(campaign: Campaign) -> QuerySet[DissectedUnit]:
    """The dissected units whose crops the campaign shows."""
    return DissectedUnit.objects.filter(pk__in=HITUnit.objects.filter(hit__campaign=campaign).values("dissected_unit"))


def _layers(campaign: Campaign) -> QuerySet[Layer]:
    """Whole layers: detectors and chance are counted over all units of a layer."""
    asked = Unit.objects.filter(hit_units__hit__campaign=campaign)
    dissected = Unit.objects.filter(dissections__dissection__in=find_dissections(campaign))
    return Layer.objects.filter(Q(pk__in=asked.values("layer")) | Q(pk__in=dissected.values("layer")))


def _networks(campaign: Campaign) -> QuerySet[Network]:
    dissected = Q(pk__in=_with_baselines(campaign).values("network"))
    return Network.objects.filter(Q(pk__in=_layers(campaign).values("network")) | dissected)


def _descriptions(campaign: Campaign) -> QuerySet[Description]:
    return Description.objects.filter(unit__layer__in=_layers(campaign))


def _is_shown(campaign: Campaign, image_set: str) -> Q:
    """The image sets of the dissections, and of the photographs that the campaign asks about."""
    photographs = Image.objects.filter(pk__in=HITImage.objects.filter(hit_unit__hit__campaign=campaign).values("image"))
    dissected = _with_baselines(campaign).values("image_set")
    return Q(**{f"{image_set}__in": dissected}) | Q(**{f"{image_set}__in": photographs.values("image_set")})


def _automatic_labels(campaign: Campaign) -> QuerySet[AutomaticLabel]:
    imported = Q(dissection=None, unit__layer__in=_layers(campaign))
    return AutomaticLabel.objects.filter(Q(dissection__in=find_dissections(campaign)) | imported)


# A bundle's campaign asks nobody: it is closed here, also if it was open where it was exported.
_OF_INSTALLATION = "of the installation: the campaign goes on where it was asked"
_OF_MARKETPLACE = "the marketplace's id leads to people or to money"
_OF_LINKS = "the marketplace's own books, and addresses that stand for people"
_OF_STUDY = "a study goes out whole by `study report`, and is rebuilt from its study.json"
_OF_NOTES = "what the people of this installation wrote for one another"
_BY_PERSON = {"is_simulated": F("assignment__worker__is_simulated")}

TABLES: tuple[Table, ...] = (
    Table(
        "networks", Network, _networks, order=("name",),
        key=("name",), may_differ=frozenset({"weights", "registered_at"}),
        # A file of another machine; and a module that a bundle names must never be loaded because it was read.
        going={"weights": forget_folder, "architecture": forget_imported}, coming={"architecture": call_imported},
        left_out={"code_folder": "a folder of this installation"},
    ),
    Table(
        "layers", Layer, _layers, order=("network__name", "position", "path"), key=("network", "path"),
        may_differ=frozenset({"importance_over"}),  # the last measurement counts, wherever it was made
    ),
    Table(
        "units", Unit, lambda c: Unit.objects.filter(layer__in=_layers(c)),
        order=("layer__network__name", "layer__position", "layer__path", "index"), key=("layer", "index"),
        within="layer", may_differ=frozenset({"importance"}),
    ),
    Table(
        "image_sets", ImageSet, lambda c: ImageSet.objects.filter(_is_shown(c, "pk")),
        order=("name",), key=("name",), may_differ=frozenset({"address", "registered_at"}),
        going={"address": forget_folder}, coming={"address": call_imported},
        left_out={"labels": "a path of this installation"},
    ),
    Table(
        "images", Image, lambda c: Image.objects.filter(_is_shown(c, "image_set")),
        order=("image_set__name", "index"), key=("image_set", "index"), within="image_set",
    ),
    Table(
        "dissections", Dissection, _with_baselines, order=("created_at", "id"), key=("id",),
        left_out={
            "state": "a dissection that people were asked about is done",
            "error": "it is done",
            "artifact_name": "an address of this installation",
            "code_folder": "a folder of this installation",
        },
        may_differ=frozenset({"weights"}), going={"weights": forget_folder},
        set_here=lambda values: {"state": Dissection.State.DONE, "artifact_name": name_artifact(values["id"])},
    ),
    Table(
        "random_baselines", RandomBaseline, _baselines, key=("key",),
        may_differ=frozenset({"measured_by", "weights_from"}),
    ),
    Table(
        "random_baseline_dissections", _BASELINE_LINK,
        lambda c: _BASELINE_LINK._default_manager.filter(
            dissection__in=find_dissections(c), randombaseline__in=_baselines(c)
        ),
        key=("randombaseline", "dissection"), within="dissection",
    ),
    Table(
        "dissected_units", DissectedUnit,
        lambda c: DissectedUnit.objects.filter(dissection__in=find_dissections(c)), key=("dissection", "unit"),
        within="dissection",
    ),
    Table(
        "top_images", TopImage, lambda c: TopImage.objects.filter(dissected_unit__in=find_asked(c)),
        key=("dissected_unit", "rank"),
        # A bundle brings the images of the units that its campaign asks about; another one asks about others.
        within="dissected_unit", may_be_lacking=True,
    ),
    Table(
        "automatic_labels", AutomaticLabel, _automatic_labels, key=("source", "unit", "mode", "category"),
        within="dissection",
    ),
    Table(
        "imported_descriptions", ImportedDescription,
        lambda c: ImportedDescription.objects.filter(unit__layer__in=_layers(c)), key=("source", "unit"),
    ),
    Table(
        "methods", Method, lambda c: Method.objects.filter(pk__in=_descriptions(c).values("method")), order=("name",),
        key=("name",), may_differ=frozenset({"created_at"}), is_later=True,
    ),
    Table(
        "descriptions", Description, _descriptions,
        order=("method__name", "unit__layer__network__name", "unit__layer__path", "unit__index"),
        key=("unit", "method"), may_differ=frozenset({"source", "imported_at"}), is_later=True,
    ),
    Table(
        "campaigns", Campaign, lambda c: Campaign.objects.filter(pk=c.pk),
        left_out={
            "state": _OF_INSTALLATION, "is_paused": _OF_INSTALLATION, "is_imported": _OF_INSTALLATION,
            "problem": _OF_INSTALLATION, "real_money_confirmed_at": "a permit to spend is not handed on",
            "real_money_confirmed_by": "a permit to spend is not handed on",
        },
        set_here=lambda values: {"state": Campaign.State.CLOSED, "is_imported": True},
    ),
    Table(
        "hit_types", HITType, lambda c: HITType.objects.filter(campaign=c), left_out={"external_id": _OF_MARKETPLACE},
    ),
    Table(
        "hits", HIT, lambda c: HIT.objects.filter(campaign=c),
        left_out={
            "external_id": _OF_MARKETPLACE,
            "public_id": "part of the address of a page that is not served elsewhere",
            "question_key": "made of the units' ids, which are others elsewhere",
        },
    ),
    Table("hit_units", HITUnit, lambda c: HITUnit.objects.filter(hit__campaign=c)),
    Table(
        "hit_images", HITImage, lambda c: HITImage.objects.filter(hit_unit__hit__campaign=c),
        left_out={"tile": "a picture of a page that is not served elsewhere"},
    ),
    Table(
        "workers", Worker,
        lambda c: Worker.objects.filter(pk__in=Assignment.objects.filter(hit__campaign=c).values("worker")),
        key=("pseudonym",), may_differ=frozenset({"created_at"}), left_out={"external_id": _OF_MARKETPLACE},
    ),
    Table(
        "assignments", Assignment, lambda c: Assignment.objects.filter(hit__campaign=c),
        left_out={
            "external_id": _OF_MARKETPLACE,
            "draft": "what was not submitted was not given",
            "draft_revision": "counts drafts",
            "client_id": "makes a submission repeatable, here alone",
            "raw_answer": "as the marketplace sent it; what it says stands in answers",
        },
        added={"is_simulated": F("worker__is_simulated")},
    ),
    Table("answers", Answer, lambda c: Answer.objects.filter(assignment__hit__campaign=c), added=_BY_PERSON),
    Table("rejections", Rejection, lambda c: Rejection.objects.filter(assignment__hit__campaign=c), added=_BY_PERSON),
    Table(
        "concept_revisions", ConceptRevision, lambda c: ConceptRevision.objects.filter(campaign=c, undone_at=None),
        left_out={"undone_at": _IN_FORCE, "undone_by": _IN_FORCE},
    ),
    Table(
        "unit_labels", UnitLabel, lambda c: UnitLabel.objects.filter(campaign=c),
        left_out={"is_of_record": "depends on what other campaigns are here"},
        added={"is_simulated": Q(n_simulated__gt=0)},
    ),
    Table(
        "comparisons", UnitComparison,
        lambda c: UnitComparison.objects.filter(unit_label__campaign=c, automatic_label__in=_automatic_labels(c)),
        added={"is_simulated": Q(unit_label__n_simulated__gt=0)},
    ),
)  # fmt: skip

# Models of which nothing goes out, and why.
LEFT_OUT: Mapping[type[Model], str] = {
    NetworkAlias: "former names of this installation's networks",
    GPUTask: "how this installation did the work",
    OutwardAct: "acts on a marketplace, and money",
    Compensation: "money",
    Letter: "what people wrote to this installation",
    Notice: "who is told here",
    ImportedBundle: "what this installation read",
    Link: _OF_LINKS,
    LinkedHIT: _OF_LINKS,
    LinkedWork: _OF_LINKS,
    Study: _OF_STUDY,
    StudyPair: _OF_STUDY,
    StudyRound: _OF_STUDY,
    UnitNote: _OF_NOTES,
    UnitTag: _OF_NOTES,
    SavedView: _OF_NOTES,
}
