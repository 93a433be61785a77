"""The web queue's task: the report of a study for its page."""

from celery import shared_task

from annotator.studies.computing import TASK, compute_report
from annotator.studies.models import Study


@shared_task(name=TASK, ignore_result=True)
def compute(study_id: int) -> None:
    study = Study.objects.select_related("dissection__image_set").filter(pk=study_id).first()
    if study is not None:  # else it was deleted
        compute_report(study)
