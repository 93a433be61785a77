"""Keeps which classes each unit of a head's layer speaks for and against, once for each network."""

import json
from datetime import datetime

from annotator.evidence.models import Question, UnitClasses
from annotator.evidence.units_behind import find_network
from annotator.units.models import Unit
from workers import contract
from workers.store import Store


def keep_classes(question: Question, store: Store, *, now: datetime) -> None:
    """From the file beside a full answer. Units that have their classes keep them: the tensors are the same."""
    if not question.answer or not store.exists(contract.UNIT_CLASSES):
        return
    network = find_network(question.answer, question)
    if network is None:
        return
    told = json.loads(store.read(contract.UNIT_CLASSES))
    units = Unit.objects.filter(layer__network=network, layer__path__in=told["paths"], classes=None)
    UnitClasses.objects.bulk_create(
        [
            UnitClasses(
                unit=unit,
                speaks_for=told["units"][unit.index]["for"],
                speaks_against=told["units"][unit.index]["against"],
                form=told["form"],
                found_at=now,
            )
            for unit in units
            if unit.index < len(told["units"])
        ],
        ignore_conflicts=True,
    )
