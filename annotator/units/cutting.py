"""Crops that a dissection did not cut, because nobody had asked about these units: a GPU process cuts them now.

The store says what is cut. Valkey says for a while what is under way or cannot be cut; if it forgets, whoever still
waits asks again.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings

from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.gpu_process import is_any_alive
from annotator.units.models import IMPORTED, DissectedUnit, Dissection
from annotator.units.strips import CropsDamaged, find_broken
from workers import contract
from workers.engine.format.artifact import is_late
from workers.engine.plurals import say_count
from workers.store import NotStored
from workers.valkey import ValkeyAway, connected

# Whoever waits looks again after this long, then at growing distances up to the second number.
LOOK_SECONDS, LOOK_SECONDS_MAX = 0.3, 3.0
# Whoever waits for crops gives up when no GPU process was alive for this long,
PATIENCE_SECONDS = 20
# or when GPU processes did other work for this long.
BUSY_SECONDS = 600
ELSEWHERE = "The installation that measured this did not cut them, and the photographs are there."
# Units of one message: a GPU process does other work between two.
AT_ONCE = 16
# What a GPU process mends by cutting.
UNCUT = (NotStored, CropsDamaged)


class CropsNotCut(Refusal):
    """Some crops are not cut yet, or cannot be; what is cut is kept."""


def ask_to_cut(units: Iterable[DissectedUnit]) -> dict[int, str]:
    """Asks a GPU process for the strips of these units, unless that is under way. Row id -> the reason why this unit
    cannot be cut, for those that cannot. Their dissections and layers are read.
    """
    units, reasons = list(units), {}
    due: dict[tuple[UUID, str], list[DissectedUnit]] = defaultdict(list)
    try:
        with connected(settings.REDIS_URL) as client:
            for unit in units:
                if unit.dissection.image_set.address.startswith(f"{IMPORTED}:"):
                    reasons[unit.pk] = ELSEWHERE
                    continue
                key = contract.cutting_key(unit.dissection.artifact, unit.strip)
                if _claim(client, key):
                    due[unit.dissection_id, unit.unit.layer.path].append(unit)
                elif said := client.get(key):
                    reasons[unit.pk] = said.decode() if isinstance(said, bytes) else str(said)
    except ValkeyAway as away:
        return {unit.pk: f"{away} Try again later." for unit in units}
    for (_, path), asked in due.items():
        for first in range(0, len(asked), AT_ONCE):
            _send(asked[first].dissection, path, asked[first : first + AT_ONCE])
    return reasons


def _claim(client: Any, key: str) -> bool:
    """True if a message must be sent: there was none, or it is lost. While messages wait in the queue, it may be one
    of them.
    """
    kept = contract.CUTTING_KEPT_SECONDS
    if client.set(key, "", nx=True, ex=kept):
        return True
    if client.get(key) or kept - client.ttl(key) <= contract.CUTTING_SECONDS or not gpu_queue.is_empty():
        return False
    client.set(key, "", ex=kept)
    return True


def _send(dissection: Dissection, path: str, units: Sequence[DissectedUnit]) -> None:
    request = contract.CutRequest(
        artifact=dissection.artifact,
        images=dissection.image_set.address,
        labels=dissection.image_set.labels,
        place=dissection.layer_paths.index(path),
        units=[one.unit.index for one in units],
        strips=[one.strip for one in units],
    )
    gpu_queue.send(contract.CUT, asdict(request))


def find_uncut(units: Iterable[DissectedUnit]) -> list[DissectedUnit]:
    """Those of the units whose crops are cut when they are asked for, and are not cut yet or are damaged: a GPU process
    cuts these again. Reads each strip that is there.
    """
    late = [unit for unit in units if is_late(unit.strip)]
    return [unit for unit, error in find_broken(late) if isinstance(error, UNCUT)] if late else []


def demand_cut(
    units: Iterable[DissectedUnit],
    *,
    passes_over: bool = False,
    look_after: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Returns when the crops of all these units are cut: not for the web, nor within a transaction.

    `passes_over`: waits for the others if some cannot be cut. `look_after` sees to the GPU process. Raises CropsNotCut
    if crops cannot be cut, if no GPU process is alive for PATIENCE_SECONDS, or if none has time for BUSY_SECONDS.
    """
    left, refused, wait = find_uncut(units), "", LOOK_SECONDS
    cut_at = alive_at = clock()
    while left:
        reasons = ask_to_cut(left)
        for unit in left:
            if unit.pk in reasons:
                refused = refused or f"The crops of {unit} cannot be cut. {reasons[unit.pk]}"
        if refused and not passes_over:
            break
        left = [unit for unit in left if unit.pk not in reasons]
        alive_at = clock() if is_any_alive() else alive_at
        _check_patience(len(left), alone_seconds=clock() - alive_at, busy_seconds=clock() - cut_at)
        look_after()
        sleep(wait)
        n_before, left, wait = len(left), find_uncut(left), min(1.2 * wait, LOOK_SECONDS_MAX)
        cut_at = clock() if len(left) < n_before else cut_at
    if refused:
        raise CropsNotCut(refused)


def _check_patience(n_left: int, *, alone_seconds: float, busy_seconds: float) -> None:
    """Raises CropsNotCut. `alone_seconds`: since a GPU process was alive; `busy_seconds`: since one cut something."""
    said = f"The crops of {say_count(n_left, 'unit')} are not cut yet"
    if n_left and alone_seconds > PATIENCE_SECONDS:
        raise CropsNotCut(f"{said}. A GPU process cuts them: see to it that one runs, then try again.")
    if n_left and busy_seconds > BUSY_SECONDS:
        raise CropsNotCut(f"{said}: the GPU processes are busy. Try again later; they cut them meanwhile.")
