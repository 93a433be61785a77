"""Work sent to the web queue."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotator.work.jobs import note_job
from workers.app import app


def send_work(*, campaign: str, kind: str, user: User, values: Sequence[int] = (), is_permitted: bool = False) -> None:
    """To the web queue; the job's last word says so when the queue does not take it."""
    now, by = timezone.now(), user.get_username()
    note_job(campaign=campaign, kind=kind, state="waiting", words="", now=now, by=by)
    try:
        app.send_task("dashboard.work", args=[campaign, kind, by, list(values), is_permitted], queue="web")
    except (OperationalError, OSError):
        note_job(campaign=campaign, kind=kind, state="failed", words="The queue does not answer.", now=now, by=by)
