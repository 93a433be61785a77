"""Which phrase a verify_label HIT asks about: a unit's automatic label, or what a file says."""

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from annotator.crowd.campaigns.unit_choice import ChosenUnit
from annotator.csv_files import holds_markup, restore
from annotator.refusals import Refusal
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, Layer
from workers.engine.plurals import say_count

MAX_LENGTH = 200
COLUMNS = ("layer", "unit", "phrase")


class BadPhrases(Refusal):
    """The file cannot be understood; the message names the row."""


def find_automatic_phrases(units: Iterable[ChosenUnit]) -> dict[int, str]:
    """Unit id -> its best automatic label, in words (Broden writes `blue-c`, `pool table`, `highway-s`)."""
    chosen = {unit.dissected_unit.unit_id: unit.dissected_unit.dissection_id for unit in units}
    labels = AutomaticLabel.objects.filter(is_best(), unit__in=chosen)
    return {row.unit_id: as_words(row.label) for row in labels if row.dissection_id == chosen[row.unit_id]}


def as_words(label: str) -> str:
    """Without the category's suffix and hyphens."""
    stem = label[:-2] if label.endswith(("-c", "-s")) else label
    return stem.replace("-", " ").replace("_", " ").strip()


def read_phrases(path: Path, units: Sequence[ChosenUnit]) -> dict[int, str]:
    """Unit id -> phrase; of several rows of a unit the last one. Raises BadPhrases."""
    return {unit: phrases[-1] for unit, phrases in read_all_phrases(path, units).items()}


def read_one_phrase_each(path: Path, units: Sequence[ChosenUnit]) -> dict[int, str]:
    """Unit id -> phrase. Raises BadPhrases, also if a unit has two rows."""
    found = read_all_phrases(path, units)
    names = {choice.dissected_unit.unit_id: choice.dissected_unit.unit for choice in units}
    for unit, phrases in found.items():
        if len(phrases) > 1:
            raise BadPhrases(
                f"{path}, column unit: {names[unit]} stands in {say_count(len(phrases), 'row')}, as {phrases[0]!r} and "
                f"{phrases[1]!r}: keep one of them."
            )
    return {unit: phrases[0] for unit, phrases in found.items()}


def read_all_phrases(path: Path, units: Sequence[ChosenUnit]) -> dict[int, list[str]]:
    """Unit id -> phrases, from a CSV of layer, unit (zero-based), phrase. Rows of units not chosen are passed over.

    Raises BadPhrases, also for a unit that its layer does not have, and if no row is about a layer of the units.
    """
    by_name = {
        (choice.dissected_unit.unit.layer.path, choice.dissected_unit.unit.index): choice.dissected_unit.unit_id
        for choice in units
    }
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise BadPhrases(f"{path}: no column {', '.join(missing)}.")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadPhrases(f"{path} cannot be read: {error}.") from None
    phrases: dict[int, list[str]] = {}
    sizes = _find_sizes(units)
    _check_layers([(line, (row["layer"] or "").strip()) for line, row in rows], {layer for layer, _ in by_name}, path)
    for line, row in rows:
        name = _read_name(row, where=f"{path}, line {line}")
        _check_exists(name, sizes, where=f"{path}, line {line}")
        unit_id = by_name.get(name)
        if unit_id is not None:
            phrases.setdefault(unit_id, []).append(_read_phrase(row, where=f"{path}, line {line}"))
    return phrases


def _find_sizes(units: Sequence[ChosenUnit]) -> dict[str, int | None]:
    """Layer -> its number of units, None if no dissection told it; of all layers of the units' networks."""
    networks = {choice.dissected_unit.unit.layer.network_id for choice in units}
    rows = Layer.objects.filter(network__in=networks).values_list("path", "n_units", "is_size_known")
    return {path: n_units if is_known else None for path, n_units, is_known in rows}


def _check_layers(rows: Sequence[tuple[int, str]], asked: set[str], path: Path) -> None:
    """A file may be about other layers, too, but not about none of those that are asked about."""
    if rows and asked and not any(layer in asked for _, layer in rows):
        line, layer = rows[0]
        raise BadPhrases(
            f"{path}, line {line}, column layer: {layer!r}, and no row is about {', '.join(sorted(asked))}."
        )


def _check_exists(name: tuple[str, int], sizes: dict[str, int | None], *, where: str) -> None:
    layer, index = name
    n_units = sizes.get(layer)
    if n_units is not None and index >= n_units:
        raise BadPhrases(
            f"{where}, column unit: {layer} has {say_count(n_units, 'unit')}, counted from 0; there is no unit {index}."
        )


def _read_name(row: dict[str, str], *, where: str) -> tuple[str, int]:
    index = (row["unit"] or "").strip()
    if not (index.isascii() and index.isdigit()):
        raise BadPhrases(f"{where}: unit is a number counted from zero, not {index!r}.")
    return (row["layer"] or "").strip(), int(index)


def _read_phrase(row: dict[str, str], *, where: str) -> str:
    phrase = restore(" ".join((row["phrase"] or "").split()))
    if not 0 < len(phrase) <= MAX_LENGTH:
        raise BadPhrases(f"{where}: a phrase has 1 to {MAX_LENGTH} characters.")
    if any(unicodedata.category(character) == "Cc" for character in phrase):
        raise BadPhrases(f"{where}, column phrase: {phrase[:40]!r} holds a character that no page can show.")
    if holds_markup(phrase):
        raise BadPhrases(f"{where}, column phrase: {phrase[:40]!r} holds HTML; a phrase is plain text.")
    return phrase
