"""The web-queue process: Django's tasks under the application that both halves share."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from workers.app import app  # noqa: E402  the settings come first

app.autodiscover_tasks(force=True)
app.conf.beat_schedule = {
    "sweep dissections": {"task": "annotator.units.tasks.sweep_dissections", "schedule": 5.0},
    "go on with campaigns": {"task": "crowd.go_on", "schedule": 60.0},
    # The last one may still wait for the queue; a task that found no thread in time is not needed any more.
    "look after jobs": {"task": "work.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "listen for notifications": {"task": "crowd.listen", "schedule": 10.0, "options": {"expires": 10}},
}
