"""Brings what methods say about units, in words, into a network: all of a file or nothing of it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from annotator.comparison.methods import is_computed
from annotator.descriptions.models import Description
from annotator.published.describers.records import Choices, ReadDescription
from annotator.published.describers.table import read_descriptions
from annotator.published.importing import CannotImport, keep_layer, keep_network, read_file
from annotator.published.keeping_methods import keep_method
from annotator.published.readers.cells import BadFile
from annotator.refusals import Refusal
from annotator.units.models import IMPORTED, Layer, Network, Unit
from workers.engine.plurals import say_count

Key = tuple[str, str, int]


class DescribedBefore(Refusal):
    """The method says something else about a unit here already."""


@dataclass(frozen=True)
class Wish:
    """What is read of a file, and as what.

    `layers`: the layer here of each layer of the file that is wanted; empty: all, under their own names. A file
    without layers has one entry, and its value is the layer. `method`: empty for the name of the format.
    `replaces`: what the method said of these units before is deleted.
    """

    network: str
    layers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    replaces: bool = False
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True)
class Imported:
    """`n_new`: descriptions that were not here already, as they are in the file. `n_units` counts those of the file."""

    methods: tuple[str, ...]
    layers: tuple[str, ...]
    n_units: int
    n_new: int
    sha256: str

    @property
    def sentence(self) -> str:
        units = f"{say_count(self.n_units, 'unit')} of {', '.join(self.layers)}"
        said = f"{', '.join(self.methods)}: {units} described"
        return f"{said}." if self.n_new else f"{said} already. Nothing was changed."


def read_layer_wishes(texts: Iterable[str]) -> dict[str, str]:
    """From `layer4` or `layer4=features.12`: the file's name of a layer before the sign, ours after it."""
    wishes = {}
    for text in texts:
        there, _, here = text.partition("=")
        wishes[there.strip()] = here.strip() or there.strip()
    return wishes


@transaction.atomic
def import_descriptions(*, path: Path, wish: Wish, now: datetime) -> Imported:
    """Raises BadFile, CannotImport, DescribedBefore, NameRefused.

    A network that is not known here is made, with as many units as files name, as `import_iou` does.
    """
    content = read_file(path)
    file = read_descriptions(content, file=path.name, choices=wish.choices)
    method = wish.method.strip() or file.method
    if not method:
        raise CannotImport(f"{path.name}: the columns do not tell which method this is. Name it (--method NAME).")
    found = _place(file.found, wish, path.name)
    found = [replace(one, method=_name_method(one, wish, method)) for one in found]
    _refuse_doubled(found)
    units = _find_units(keep_network(wish.network, now), found)
    methods = {name: keep_method(name, file.score_name, now) for name in dict.fromkeys(one.method for one in found)}
    source = hashlib.sha256(content).hexdigest()
    new = [
        Description(
            unit_id=units[one.layer, one.index], method=methods[one.method], text=one.text, score=one.score,
            details=one.details, source=source, imported_at=now,
        )
        for one in found
    ]  # fmt: skip
    kept = _keep(new, found, replaces=wish.replaces)
    _count_rows()
    return Imported(tuple(methods), tuple(dict.fromkeys(one.layer for one in found)), len(units), kept, source)


def _place(found: Sequence[ReadDescription], wish: Wish, file: str) -> list[ReadDescription]:
    """The descriptions of the layers that are wanted, under the names that these have here."""
    if not any(one.layer for one in found):
        if len(wish.layers) != 1:
            raise CannotImport(f"{file} names no layers: say of which one layer its units are (--layer PATH).")
        return [replace(one, layer=next(iter(wish.layers.values()))) for one in found]
    there = list(dict.fromkeys(one.layer for one in found))
    if missing := [layer for layer in wish.layers if layer not in there]:
        raise BadFile(f"{file}: no row of layer {missing[0]}; it has {', '.join(there[:10])}.")
    wanted = wish.layers or {layer: layer for layer in there}
    return [replace(one, layer=wanted[one.layer]) for one in found if one.layer in wanted]


def _name_method(one: ReadDescription, wish: Wish, method: str) -> str:
    """Of a file with several methods, each keeps its own name; a name that is given stands before it."""
    own = f"{wish.method.strip()} {one.method}" if wish.method.strip() and one.method else one.method or method
    if is_computed(own):
        raise CannotImport(f"The method {own!r} is computed here from answers or labeled pixels: choose another name.")
    return own


def _refuse_doubled(found: Iterable[ReadDescription]) -> None:
    seen: dict[Key, ReadDescription] = {}
    for one in found:
        first = seen.setdefault((one.method, one.layer, one.index), one)
        if first is not one:
            raise one.row.refuse(
                one.unit_column, f"{one.method} describes unit {one.index} of {one.layer} in row {first.row.number} too"
            )


def _find_units(network: Network, found: Sequence[ReadDescription]) -> dict[tuple[str, int], int]:
    """The units by layer and index. A layer whose size is known gets no unit from a file."""
    n_units = Counter[str]()
    for one in found:
        n_units[one.layer] = max(n_units[one.layer], one.index + 1)
    layers = {path: _find_layer(network, path, n, found) for path, n in n_units.items()}
    wanted = dict.fromkeys((one.layer, one.index) for one in found)
    Unit.objects.bulk_create(
        [Unit(layer=layers[path], index=index) for path, index in wanted], ignore_conflicts=True, batch_size=1000
    )
    rows = Unit.objects.filter(layer__in=layers.values()).values_list("layer__path", "index", "pk")
    return {(path, index): pk for path, index, pk in rows if (path, index) in wanted}


def _find_layer(network: Network, path: str, n_units: int, found: Sequence[ReadDescription]) -> Layer:
    layer = network.layers.filter(path=path).first()
    if layer is None:
        if network.architecture != IMPORTED:
            names = ", ".join(network.layers.values_list("path", flat=True)[:10]) or "none yet"
            raise CannotImport(
                f"{found[0].row.file}: network {network.name} has no layer {path}; its layers: {names}. "
                f"If it is another name of one of them, say so (--layer {path}=PATH)."
            )
        return keep_layer(network, path, n_units, network.layers.count(), is_size_known=False)
    if layer.is_size_known and n_units > layer.n_units:
        wrong = next(one for one in found if one.layer == path and one.index >= layer.n_units)
        raise wrong.row.refuse(
            wrong.unit_column,
            f"layer {path} of {network.name} has {say_count(layer.n_units, 'unit')}, counted from 0 here",
        )
    return keep_layer(network, path, n_units, layer.position, is_size_known=False)


def _keep(new: Sequence[Description], found: Sequence[ReadDescription], *, replaces: bool) -> int:
    """How many were not here in the same words and with the same score and details."""
    here = {
        (one.method_id, one.unit_id): one
        for one in Description.objects.filter(
            method__in={one.method_id for one in new}, unit__in={one.unit_id for one in new}
        )
    }
    changed, added = [], []
    for mine, read in zip(new, found, strict=True):
        old = here.get((mine.method_id, mine.unit_id))
        if old is None:
            added.append(mine)
        elif (old.text, old.score, old.details) != (mine.text, mine.score, json.loads(json.dumps(mine.details))):
            if not replaces:
                raise DescribedBefore(
                    f"{read.row.file}, row {read.row.number}: {read.method} says {old.text[:60]!r} about unit "
                    f"{read.index} of {read.layer} here already. Replace it (--replace) or name another method."
                )
            old.text, old.score, old.details = mine.text, mine.score, mine.details
            old.source, old.imported_at = mine.source, mine.imported_at
            changed.append(old)
    Description.objects.bulk_create(added, batch_size=1000)
    Description.objects.bulk_update(changed, ["text", "score", "details", "source", "imported_at"], batch_size=1000)
    return len(added) + len(changed)


def _count_rows() -> None:
    """Tell the database how many rows have come: plans made for empty tables take minutes over full ones."""
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in (Unit, Description))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {names}")
