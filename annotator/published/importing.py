"""Brings answers and automatic labels that others published into a campaign: all of a file or nothing of it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection, transaction

from annotator.comparison.comparing import compare_campaign
from annotator.crowd.judging.excluding import list_set_aside, tell_set_aside
from annotator.crowd.models import HIT, Answer, Assignment, Campaign, HITType, HITUnit, Worker
from annotator.crowd.pseudonyms import keep_worker
from annotator.labels.labeling import NothingToLabel
from annotator.labels.recording import label_campaign
from annotator.names import check_name
from annotator.published.readers.cells import BadFile
from annotator.published.readers.records import AnswerFile, ImportedAnswer
from annotator.published.readers.table import read_answers, read_labels
from annotator.published.replacing_labels import replace_labels
from annotator.refusals import Refusal
from annotator.units.models import IMPORTED, AutomaticLabel, Layer, Network, Unit
from workers.engine.plurals import say_count

# Published answers are descriptions with a category and a precision.
IMPORTED_HIT_TYPE = "unit_semantics"
MAX_FILE_BYTES = 512 << 20


class CannotImport(Refusal):
    """The file fits no such campaign; the message says why."""


@dataclass(frozen=True)
class Imported:
    n_rows: int
    n_units: int
    layers: tuple[str, ...]
    sha256: str
    # Of answers: what labeling them said of those set aside.
    remark: str = ""


@transaction.atomic
def import_annotations(*, campaign_name: str, path: Path, network_name: str, now: datetime) -> Imported:
    """Answers of a file as an imported campaign, labeled; replaces what an earlier import gave for the same layers.

    Raises BadFile, CannotImport, NameRefused.
    """
    content = read_file(path)
    found = read_answers(content, file=path.name)
    campaign = _keep_campaign(campaign_name, found, now)
    network = keep_network(network_name, now)
    layers = [
        keep_layer(network, name, n, i, is_size_known=name in found.sized)
        for i, (name, n) in enumerate(found.n_units.items())
    ]
    hits = _keep_hits(campaign, layers, found.answers)
    _replace_answers(campaign, layers, hits, found, now)
    _count_rows()
    remark = _label(campaign, now)
    _compare_if_labeled(campaign)
    return Imported(
        n_rows=len(found.answers),
        n_units=len(hits),
        layers=tuple(found.n_units),
        sha256=hashlib.sha256(content).hexdigest(),
        remark=remark,
    )


def _label(campaign: Campaign, now: datetime) -> str:
    """What it says of answers set aside. If these are all, the campaign has no labels, and the answers are kept."""
    try:
        return tell_set_aside(label_campaign(campaign=campaign, now=now).suspected)
    except NothingToLabel as nothing:
        if not list_set_aside(campaign):
            raise
        campaign.unit_labels.all().delete()
        return str(nothing)


@transaction.atomic
def import_iou(*, campaign: Campaign, layer_path: str, path: Path) -> Imported:
    """Automatic labels of one layer of the campaign, then the comparison. Raises BadFile, CannotImport."""
    layer = _find_layer(campaign, layer_path)
    done = _import_labels(layer, path)
    if campaign.unit_labels.exists():
        label_campaign(campaign=campaign, now=campaign.unit_labels.latest("labeled_at").labeled_at)
        _compare_if_labeled(campaign)
    return done


@transaction.atomic
def import_network_iou(*, network_name: str, layer_path: str, path: Path, now: datetime) -> Imported:
    """Automatic labels of one layer of a network, without people's answers. Raises BadFile, CannotImport.

    A network that is not known here is made; its layers have as many units as files name.
    """
    network = keep_network(network_name, now)
    layer = network.layers.filter(path=layer_path).first()
    if layer is None and network.architecture != IMPORTED:
        names = ", ".join(network.layers.values_list("path", flat=True)) or "none yet"
        raise CannotImport(f"Network {network_name} has no layer {layer_path}; its layers: {names}.")
    return _import_labels(
        layer or keep_layer(network, layer_path, 0, network.layers.count(), is_size_known=False), path
    )


def _import_labels(layer: Layer, path: Path) -> Imported:
    content = read_file(path)
    found = read_labels(content, file=path.name, layer=layer.path)
    _grow_layer(layer, max(found.indexes) + 1)
    Unit.objects.bulk_create([Unit(layer=layer, index=index) for index in found.indexes], ignore_conflicts=True)
    units = dict(layer.units.values_list("index", "id"))
    source = hashlib.sha256(content).hexdigest()
    replace_labels(found, units, source=source, layer=layer)
    _count_rows()
    n = len(found.indexes)
    return Imported(n_rows=n, n_units=n, layers=(layer.path,), sha256=source)


def _count_rows() -> None:
    """Tell the database how many rows have come: in this transaction nobody else will, and plans made for empty tables
    take minutes over full ones.
    """
    tables = [model._meta.db_table for model in (Layer, Unit, HIT, HITUnit, Worker, Assignment, Answer, AutomaticLabel)]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(map(connection.ops.quote_name, tables))}")


def _compare_if_labeled(campaign: Campaign) -> None:
    """A file may name other units than people did, or give descriptions without IoU: then there is nothing to do."""
    if AutomaticLabel.objects.filter(unit__unit_labels__campaign=campaign, is_best=True).exists():
        compare_campaign(campaign=campaign)


def read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFile(f"{path.name} is larger than {MAX_FILE_BYTES >> 20} MB.")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from None


def _keep_campaign(name: str, found: AnswerFile, now: datetime) -> Campaign:
    if not Campaign.objects.filter(name=name).exists():
        check_name(name)
    n_assignments = max(Counter(answer.place for answer in found.answers).values())
    campaign, is_new = Campaign.objects.get_or_create(
        name=name,
        defaults={
            "marketplace": "mturk", "state": Campaign.State.CLOSED, "is_imported": True,
            "n_assignments": n_assignments, "reward_usd": Decimal(0), "budget_cap_usd": Decimal(0), "seed": 0,
            "created_at": now,
        },
    )  # fmt: skip
    if not campaign.is_imported:
        raise CannotImport(f"Campaign {name} asks people itself: import under another name.")
    if hasattr(campaign, "bundle"):
        raise CannotImport(f"Campaign {name} came from a bundle and stays as it came: import under another name.")
    if not is_new and n_assignments > campaign.n_assignments:
        campaign.n_assignments = n_assignments
        campaign.save(update_fields=["n_assignments"])
    return campaign


def keep_network(name: str, now: datetime) -> Network:
    if not Network.objects.filter(name=name).exists():
        check_name(name)
    network, _ = Network.objects.get_or_create(name=name, defaults={"architecture": IMPORTED, "registered_at": now})
    return network


def keep_layer(network: Network, path: str, n_units: int, position: int, *, is_size_known: bool) -> Layer:
    layer, _ = Layer.objects.get_or_create(
        network=network, path=path, defaults={"n_units": n_units, "position": position, "is_size_known": False}
    )
    _grow_layer(layer, n_units)
    if is_size_known and not layer.is_size_known:
        layer.is_size_known = True
        layer.save(update_fields=["is_size_known"])
    return layer


def _grow_layer(layer: Layer, n_units: int) -> None:
    """A file that names units of a layer does not say how many the layer has, unless it states it."""
    if n_units <= layer.n_units:
        return
    if layer.is_size_known:
        raise CannotImport(f"The file has a unit {n_units}, layer {layer.path} has {say_count(layer.n_units, 'unit')}.")
    layer.n_units = n_units
    layer.save(update_fields=["n_units"])


def _keep_hits(
    campaign: Campaign, layers: Sequence[Layer], answers: Sequence[ImportedAnswer]
) -> dict[tuple[str, int], HITUnit]:
    """One HIT per unit, as if it had been asked here."""
    hit_type, _ = HITType.objects.get_or_create(campaign=campaign, template=IMPORTED_HIT_TYPE)
    counts = Counter(answer.place for answer in answers)
    by_path = {layer.path: layer for layer in layers}
    Unit.objects.bulk_create(
        [Unit(layer=by_path[path], index=index) for path, index in counts], ignore_conflicts=True, batch_size=1000
    )
    units = {(u.layer.path, u.index): u for u in Unit.objects.filter(layer__in=layers).select_related("layer")}
    keys = {str(unit.pk): place for place, unit in units.items()}
    HIT.objects.bulk_create(
        [
            HIT(
                campaign=campaign, hit_type=hit_type, question_key=key, seed=0, n_assignments=counts[place],
                state=HIT.State.COMPLETE,
            )
            for key, place in keys.items() if place in counts
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )  # fmt: skip
    hits = list(campaign.hits.filter(question_key__in=keys))
    HITUnit.objects.bulk_create(
        [HITUnit(hit=hit, unit=units[keys[hit.question_key]]) for hit in hits], ignore_conflicts=True, batch_size=1000
    )
    shown = HITUnit.objects.filter(hit__in=hits)
    return {keys[row.hit.question_key]: row for row in shown.select_related("hit")}


def _replace_answers(
    campaign: Campaign, layers: Sequence[Layer], asked: dict[tuple[str, int], HITUnit], found: AnswerFile, now: datetime
) -> None:
    mine = campaign.hits.filter(hit_units__unit__layer__in=layers)
    Assignment.objects.filter(hit__in=mine).delete()
    workers = _keep_workers(campaign, found, now)
    n_before: Counter[tuple[str, int]] = Counter()
    assignments: list[Assignment] = []
    answers: list[Answer] = []
    for given in found.answers:
        unit = asked[given.place]
        assignment = Assignment(
            hit=unit.hit,
            worker=workers.get(given.worker or ""),
            imported_position=n_before[given.place],
            state=Assignment.State.REJECTED if given.is_rejected else Assignment.State.SUBMITTED,
            stored_at=now,
        )
        n_before[given.place] += 1
        assignments.append(assignment)
        answers.append(
            Answer(
                assignment=assignment,
                hit_unit=unit,
                shown_ranks=[*(given.shown or ()), *given.planted],
                planted_ranks=list(given.planted),
                n_planted_missed=given.n_planted_missed if given.planted else None,
                says={},
                description=given.description,
                category=given.category,
                marked_ranks=list(given.marked or ()),
                precision=given.precision,
            )
        )
    Assignment.objects.bulk_create(assignments, batch_size=1000)
    Answer.objects.bulk_create(answers, batch_size=1000)
    # Two queries: joined into one, the planner scans all HITs per HIT while the new rows have no statistics.
    unanswered = list(mine.filter(assignments__isnull=True).values_list("pk", flat=True))
    campaign.hits.filter(pk__in=unanswered).delete()


def _keep_workers(campaign: Campaign, found: AnswerFile, now: datetime) -> dict[str, Worker]:
    """By the name that the file gives them; Amazon's ids go into the table of workers alone."""
    names = sorted({answer.worker for answer in found.answers if answer.worker})
    if found.names_workers_by == "mturk_id":
        return {
            name: keep_worker(marketplace=campaign.marketplace, worker_id=name, is_simulated=False, now=now)
            for name in names
        }
    simulated = {answer.worker for answer in found.answers if answer.is_simulated}
    kept = {}
    for name in names:
        if len(name) > 32:
            raise CannotImport(f"A worker's pseudonym has at most 32 characters, {name[:40]!r} has {len(name)}.")
        defaults = {"marketplace": campaign.marketplace, "created_at": now, "is_simulated": name in simulated}
        kept[name], _ = Worker.objects.get_or_create(pseudonym=name, defaults=defaults)
        if kept[name].is_simulated != (name in simulated):
            known = "simulated" if kept[name].is_simulated else "a person"
            raise CannotImport(f"Worker {name} is {known} here; the file says otherwise.")
    return kept


def _find_layer(campaign: Campaign, path: str) -> Layer:
    layers = Layer.objects.filter(units__hit_units__hit__campaign=campaign).select_related("network").distinct()
    found = layers.filter(path=path).first()
    if found is None:
        names = ", ".join(layer.path for layer in layers) or "none"
        raise CannotImport(f"Campaign {campaign.name} has no units in a layer {path}; its layers: {names}.")
    return found
