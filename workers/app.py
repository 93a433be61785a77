"""The Celery application that both halves share; tasks are sent by name."""

from celery import Celery

app = Celery("unitscope")
app.config_from_object("workers.config")
