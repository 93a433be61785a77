"""Reads a bundle into this installation: all of it or nothing, and twice is once.

Networks, image sets, dissections and people that are here already must be the same as in the bundle. The campaign is
new. It is closed here: it asks nobody and spends nothing.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction

from annotator.comparison.comparing import compare_labels
from annotator.comparison.reports import describe_campaign
from annotator.comparison.summary import Document
from annotator.crowd.campaigns.questions import spell_question_key
from annotator.crowd.models import HIT, Answer, Campaign, HITUnit
from annotator.json_texts import read_json
from annotator.labels.labeling import OtherLexicon
from annotator.labels.models import UnitLabel
from annotator.labels.recording import keep_record
from annotator.names import check_name
from annotator.published.bundle.archive import REPORT, Bundle, open_bundle
from annotator.published.bundle.pictures import TakenPictures
from annotator.published.bundle.rows import BadRow, read_lines, read_row
from annotator.published.bundle.tables import TABLES, Table
from annotator.published.models import ImportedBundle
from annotator.published.readers.cells import BadFile
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

log = logging.getLogger(__name__)

BATCH = 2000
# What the database says of rows that do not fit, and what counting them and writing the report says of values that are
# of another kind than ours.
_MISFITS = (
    DataError, IntegrityError, UnicodeEncodeError, TypeError, KeyError, IndexError, AttributeError, ValueError,
    ArithmeticError,
)  # fmt: skip
# Any fixed number. Whoever reads a bundle holds this lock, so that one is read at a time.
_LOCK = 7_312_031
# Says one line to whoever waits at a terminal.
Tell = Callable[[str], None]
Values = dict[str, Any]


class BundleInTheWay(Refusal):
    """Something of this name is here already and is not what the bundle holds."""


@dataclass(frozen=True)
class Unpacked:
    """`report` says how the campaign's report here stands beside the one that the bundle carries."""

    campaign: str
    content_sha256: str
    n_answers: int
    n_units: int
    is_new: bool
    report: str

    @property
    def sentence(self) -> str:
        if not self.is_new:
            return f"Campaign {self.campaign} is here already with the same content. Nothing was changed."
        counted = f"{say_count(self.n_answers, 'answer')} on {say_count(self.n_units, 'unit')}"
        return f"Campaign {self.campaign}: {counted} imported. {self.report}"


def import_bundle(*, path: Path, name: str = "", now: datetime, tell: Tell = lambda line: None) -> Unpacked:
    """`name`: of the campaign here; the bundle's own unless it is given.

    Raises BadFile, NameRefused, NewerBundle, BundleInTheWay.
    """
    with open_bundle(path) as bundle:
        name = name or str(bundle.manifest["campaign"])
        try:
            with transaction.atomic():
                _wait_for_other_imports()
                return _take_in(bundle, name, now, tell)
        except Refusal:
            raise
        except _MISFITS as error:
            log.info("Not taken in: %s", bundle.name, exc_info=True)  # it may be a defect of ours
            raise BadFile(f"{bundle.name}: its rows do not fit together ({error!s:.200}).") from error
        except RecursionError:
            raise BadFile(f"{bundle.name}: its values are nested too deeply.") from None


def _take_in(bundle: Bundle, name: str, now: datetime, tell: Tell) -> Unpacked:
    if existing := Campaign.objects.filter(name=name).select_related("bundle").first():
        return _recognize(existing, bundle)
    check_name(name)
    unpacking = _Unpacking(bundle, name, tell)
    with _remove_after_failure(unpacking):
        campaign = unpacking.run(now)
        return _summarize(campaign, bundle, is_new=True, report=_compare_reports(campaign, bundle))


def _wait_for_other_imports() -> None:
    """Until the caller's transaction ends, no other bundle is read: a failing import removes the pictures that it
    wrote, and another one would count on them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@contextlib.contextmanager
def _remove_after_failure(unpacking: "_Unpacking") -> Iterator[None]:
    """Also if the alarm of an upload's time ends it."""
    try:
        yield
    except BaseException:
        unpacking.pictures.remove()
        raise


def _recognize(existing: Campaign, bundle: Bundle) -> Unpacked:
    kept = getattr(existing, "bundle", None)
    if kept is not None and kept.content_sha256 == bundle.content_sha256:
        return _summarize(existing, bundle, is_new=False, report="")
    what = "was imported from a bundle with other content" if kept else "is not from a bundle"
    raise BundleInTheWay(
        f"The campaign {existing.name} that is here {what}. It was not changed: import under another name (--as NAME)."
    )


def _summarize(campaign: Campaign, bundle: Bundle, *, is_new: bool, report: str) -> Unpacked:
    return Unpacked(
        campaign=campaign.name,
        content_sha256=bundle.content_sha256,
        n_answers=Answer.objects.filter(assignment__hit__campaign=campaign).count(),
        n_units=HITUnit.objects.filter(hit__campaign=campaign).count(),
        is_new=is_new,
        report=report,
    )


def _read_report(bundle: Bundle) -> Document:
    try:
        report = read_json(bundle.read(REPORT))
    except ValueError:
        report = None
    if not isinstance(report, dict):
        raise BadFile(f"{bundle.name} is damaged: {REPORT} is no report.")
    return report


def _compare_reports(campaign: Campaign, bundle: Bundle) -> str:
    there = _read_report(bundle)
    try:
        here = describe_campaign(campaign=campaign)
    except OtherLexicon as other:
        return str(other)
    if json.loads(json.dumps(here)) == there | {"campaign": campaign.name}:
        return "Its report equals the bundle's."
    return f"Its report differs from the bundle's, which Unitscope {bundle.manifest.get('versions')} wrote."


class _Unpacking:
    """One bundle on its way into the database; `numbers` holds, by model, the primary key of each row."""

    def __init__(self, bundle: Bundle, name: str, tell: Tell) -> None:
        self.bundle, self.name, self.tell = bundle, name, tell
        self.numbers: dict[Any, list[Any]] = {}
        # By model, the primary keys of the rows that were here before.
        self.known: dict[Any, set[Any]] = {}
        self.pictures = TakenPictures(bundle)

    def run(self, now: datetime) -> Campaign:
        for table in TABLES:
            self._take_table(table)
        campaign = Campaign.objects.get(pk=self.numbers[Campaign][0])
        _write_question_keys(campaign)
        _count_rows()
        _keep_record(campaign, now)
        self.pictures.take_of_units(campaign, self.tell)
        ImportedBundle.objects.create(
            campaign=campaign,
            content_sha256=self.bundle.content_sha256,
            manifest={name: value for name, value in self.bundle.manifest.items() if name != "files"},
            imported_at=now,
        )
        return campaign

    def _take_table(self, table: Table) -> None:
        rows = self._read(table)
        here = self._find_here(table, rows)
        keys: list[Any] = [None] * len(rows)
        new = []
        for number, values in enumerate(rows):
            existing = here.get(tuple(values[name] for name in _attributes(table)))
            if existing is not None:
                self._check_same(table, values, existing)
                keys[number] = existing["pk"]
            else:
                new.append(number)
        self.known[table.model] = {values["pk"] for values in here.values()}
        self._refuse_added(table, [rows[number] for number in new], here=list(here.values()))
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            made = table.model._default_manager.bulk_create(
                [table.model(**rows[n], **table.set_here(rows[n])) for n in part]
            )
            for number, instance in zip(part, made, strict=True):
                keys[number] = instance.pk
            self.tell(f"{table.name}: {start + len(part)} of {len(new)}")
        self.numbers[table.model] = keys

    def _read(self, table: Table) -> list[Values]:
        rows: list[Values] = []
        if table.is_later and table.file not in self.bundle.files:
            return rows
        for number, row in enumerate(read_lines(self.bundle.read_lines(table.file), file=table.file)):
            try:
                values = read_row(row, table, self.numbers)
            except BadRow as bad:
                raise BadFile(f"{self.bundle.name}: {table.file}, row {number + 1}: {bad}.") from None
            if table.model is Campaign:
                values["name"] = self.name
            if table.model is HIT:
                values["question_key"] = f"row {number}"
            rows.append(values)
        if table.model is Campaign and len(rows) != 1:
            raise BadFile(f"{self.bundle.name}: a bundle holds one campaign, this one {len(rows)}.")
        return rows

    def _find_here(self, table: Table, rows: Sequence[Values]) -> dict[tuple[Any, ...], Values]:
        """By key, what this installation has of these rows."""
        if not table.key or not rows:
            return {}
        first, *_ = attributes = _attributes(table)
        asked = table.model._default_manager.filter(**{f"{first}__in": {values[first] for values in rows}})
        found = asked.values("pk", *(one.attname for one in table.fields))
        return {tuple(values[name] for name in attributes): values for values in found.iterator(chunk_size=BATCH)}

    def _check_same(self, table: Table, values: Values, existing: Mapping[str, Any]) -> None:
        for one in table.fields:
            if one.name in table.may_differ or one.attname not in values:
                continue
            mine, theirs = existing[one.attname], values[one.attname]
            if one.name in table.going:
                mine, theirs = table.going[one.name](mine), table.going[one.name](theirs)
            if mine != theirs:
                key = ", ".join(str(values[name]) for name in _attributes(table))
                raise BundleInTheWay(
                    f"{table.name.replace('_', ' ').capitalize()} {key}: {one.name} is {mine!s:.80} here and "
                    f"{theirs!s:.80} in the bundle. Nothing was imported."
                )

    def _refuse_added(self, table: Table, new: Sequence[Values], *, here: Sequence[Values]) -> None:
        """What is here already is whole: a bundle adds no row to it. Raises BundleInTheWay."""
        if not table.within:
            return
        link: Any = table.model._meta.get_field(table.within)
        closed = self.known[link.related_model]
        if table.may_be_lacking:
            closed = closed & {values[link.attname] for values in here}
        for values in new:
            if values[link.attname] in closed:
                what, whole = table.name.replace("_", " ").capitalize(), link.related_model._meta.verbose_name
                raise BundleInTheWay(
                    f"{what}: the bundle holds a row that the same {whole} here does not have. Nothing was imported."
                )


def _attributes(table: Table) -> list[str]:
    by_name = {one.name: one.attname for one in table.fields}
    return [by_name[name] for name in table.key]


def _write_question_keys(campaign: Campaign) -> None:
    """As composing writes them: the ids of the HIT's units, in their order; of photographs, what is shown and asked."""
    units: dict[int, list[str]] = {}
    for one in HITUnit.objects.filter(hit__campaign=campaign).order_by("hit_id", "position").prefetch_related("images"):
        shown = [(image.section, image.image_id) for image in one.images.all() if image.image_id is not None]
        key = spell_question_key(one.unit_id, shown, texts=one.texts, facts=one.facts) if shown else str(one.unit_id)
        units.setdefault(one.hit_id, []).append(key)
    hits = list(campaign.hits.all())
    for hit in hits:
        hit.question_key = "+".join(units.get(hit.pk, []))
    HIT.objects.bulk_update(hits, ["question_key"], batch_size=BATCH)


def _keep_record(campaign: Campaign, now: datetime) -> None:
    """The labels of record of its units, which may be pooled with those of campaigns that are here."""
    units = list(campaign.unit_labels.values_list("unit_id", flat=True))
    keep_record(units=units, now=now)
    pooled = UnitLabel.objects.filter(campaign=None, unit__in=units).values("unit")
    if labels := list(campaign.unit_labels.filter(unit__in=pooled)):
        compare_labels(campaign=campaign, labels=labels)


def _count_rows() -> None:
    """Tell the database how many rows have come: plans made for empty tables take minutes over full ones."""
    names = ", ".join(connection.ops.quote_name(table.model._meta.db_table) for table in TABLES)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {names}")
