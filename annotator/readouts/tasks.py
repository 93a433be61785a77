"""The web queue's tasks for read-outs: takes fits for which nobody waits, and forgets pooled units of no use."""

import logging

from celery import shared_task
from django.utils import timezone

from annotator.readouts.fitting import forget_unused_features, take_fit
from annotator.readouts.models import Readout
from workers.store import StoreError

logger = logging.getLogger(__name__)


@shared_task(name="readouts.sweep")
def sweep_readouts() -> None:
    now = timezone.now()
    for readout in Readout.objects.filter(state=Readout.State.FITTING).select_related("question"):
        if readout.question is not None:
            take_fit(readout.question, now=now)


@shared_task(name="readouts.forget")
def forget_features() -> None:
    """If the store does not answer now, the next one an hour later removes them."""
    try:
        forget_unused_features(now=timezone.now())
    except (StoreError, OSError) as error:
        logger.warning("Pooled units that no read-out uses cannot be removed now: %s.", error)
