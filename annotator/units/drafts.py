"""Removes what crops were cut from, once a dissection's results are taken in: until then it may be needed again."""

import logging
from datetime import datetime, timedelta

from annotator.units.models import Dissection, GPUTask
from workers import contract
from workers.store import Store, StoreError, open_store

logger = logging.getLogger(__name__)
# A store that is away for longer keeps some files that nobody needs.
LOOKED_AT_FOR = timedelta(days=2)


def remove(store: Store) -> None:
    """The name of the draft itself goes last: while it is there, something may be left. Raises StoreError."""
    for name in sorted(store.names(contract.CROPS_FOLDER), key=lambda name: name == contract.DRAFT):
        store.remove(name)


def sweep(*, now: datetime) -> None:
    """Of dissections that were finished lately: the store did not answer then, or the process died."""
    done = Dissection.objects.filter(
        state=Dissection.State.DONE,
        finished_at__gt=now - LOOKED_AT_FOR,
        gpu_tasks__stage=GPUTask.Stage.CROP,
    )
    for name in done.values_list("artifact_name", flat=True).distinct():
        try:
            store = open_store(Dissection(artifact_name=name).artifact)
            if store.exists(contract.DRAFT):
                remove(store)
        except (StoreError, OSError) as error:
            logger.warning("Drafts of crops in %s cannot be removed now (%s); the next sweep tries again.", name, error)
