"""The web-queue process: Django's tasks under the application that both halves share, and the clock that starts them.

The clock is a thread and keeps no file: a killed process leaves no clock behind, and a full disk does not stop it.
"""

import os
import threading

import django
from celery.beat import Scheduler, Service
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from workers.app import app  # noqa: E402  the settings come first

app.autodiscover_tasks(force=True)
app.conf.beat_schedule = {
    "sweep dissections": {"task": "annotator.units.tasks.sweep_dissections", "schedule": 5.0},
    "sweep questions": {"task": "evidence.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "take fits of read-outs": {"task": "readouts.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "forget pooled units": {"task": "readouts.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "tell of complete campaigns": {"task": "crowd.tell", "schedule": 15.0, "options": {"expires": 15}},
    "take letters": {"task": "crowd.letters", "schedule": 60.0, "options": {"expires": 60}},
    "go on with campaigns": {"task": "crowd.go_on", "schedule": 60.0},
    # The last one may still wait for the queue; a task that found no thread in time is not needed any more.
    "look after jobs": {"task": "work.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "listen for notifications": {"task": "crowd.listen", "schedule": 10.0, "options": {"expires": 10}},
}


# As often as the thread looks whether the process ends.
CLOCK_SECONDS = 1


@worker_ready.connect
def _start_clock(**_: object) -> None:
    clock = Service(app, scheduler_cls=Scheduler, max_interval=CLOCK_SECONDS)
    worker_shutting_down.connect(lambda **_: clock.stop(), weak=False)
    threading.Thread(target=clock.start, name="clock", daemon=True).start()
