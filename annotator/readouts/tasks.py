"""The web queue's task for read-outs: whoever asked for a fit may not wait for it."""

from celery import shared_task
from django.utils import timezone

from annotator.readouts.fitting import take_fit
from annotator.readouts.models import Readout


@shared_task(name="readouts.sweep")
def sweep_readouts() -> None:
    now = timezone.now()
    for readout in Readout.objects.filter(state=Readout.State.FITTING).select_related("question"):
        if readout.question is not None:
            take_fit(readout.question, now=now)
