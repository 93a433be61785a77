"""Crops that a dissection did not cut, because nobody had asked about these units: a GPU process cuts them now.

The store says what is cut. Valkey says for a while what is under way or cannot be cut; if it forgets, whoever still
waits asks again.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from uuid import UUID

from django.conf import settings

from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.models import IMPORTED, DissectedUnit, Dissection
from annotator.units.strips import find_gone
from workers import contract
from workers.engine.format.artifact import is_late
from workers.store import NotStored
from workers.valkey import ValkeyAway, connected

LOOK_SECONDS = 0.3
# Whoever waits for crops gives up when no more of them were cut for this long.
PATIENCE_SECONDS = 20
# Units of one message: a GPU process does other work between two.
AT_ONCE = 16


class CropsNotCut(Refusal):
    """Some crops are not cut yet, or cannot be; what is cut is kept."""


def ask_to_cut(units: Iterable[DissectedUnit]) -> str:
    """Asks a GPU process for the strips of these units, unless that is under way. The reason why one of them cannot be
    cut, or "". Their dissections and layers are read.
    """
    units, reasons = list(units), []
    if any(unit.dissection.image_set.address.startswith(f"{IMPORTED}:") for unit in units):
        return "The installation that measured this did not cut them, and the photographs are there."
    due: dict[tuple[UUID, str], list[DissectedUnit]] = defaultdict(list)
    try:
        with connected(settings.REDIS_URL) as client:
            for unit in units:
                key = contract.cutting_key(unit.dissection.artifact, unit.strip)
                if client.set(key, "", nx=True, ex=contract.CUTTING_SECONDS):
                    due[unit.dissection_id, unit.unit.layer.path].append(unit)
                elif said := client.get(key):
                    reasons.append(said.decode() if isinstance(said, bytes) else said)
    except ValkeyAway as away:
        return f"{away} Try again later."
    for (_, path), asked in due.items():
        for first in range(0, len(asked), AT_ONCE):
            _send(asked[first].dissection, path, asked[first : first + AT_ONCE])
    return reasons[0] if reasons else ""


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
    """Those of the units whose crops are cut when they are asked for, and are not cut yet."""
    late = [unit for unit in units if is_late(unit.strip)]
    return [unit for unit, error in find_gone(late) if isinstance(error, NotStored)] if late else []


def demand_cut(
    units: Iterable[DissectedUnit],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Returns when the crops of all these units are cut. Raises CropsNotCut if they cannot be, or if a GPU process
    cuts no more of them for PATIENCE_SECONDS.
    """
    left, since = find_uncut(units), clock()
    while left:
        if reason := ask_to_cut(left):
            raise CropsNotCut(f"The crops of {left[0]} cannot be cut. {reason}")
        if clock() - since > PATIENCE_SECONDS:
            raise CropsNotCut(
                f"The crops of {len(left)} units are not cut yet. A GPU process cuts them: see to it that one runs, "
                "then try again."
            )
        sleep(LOOK_SECONDS)
        n_before, left = len(left), find_uncut(left)
        since = clock() if len(left) < n_before else since
