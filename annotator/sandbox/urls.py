"""The marketplace's addresses: the API at the root, the worker site under /worker/, submissions at Amazon's path."""

from django.urls import include, path

from annotator.health import show_health
from annotator.sandbox.api.protocol import answer_call
from annotator.sandbox.worker.frames import take_external_submission

urlpatterns = [
    path("", answer_call),
    path("healthz", show_health),
    path("mturk/externalSubmit", take_external_submission, name="sandbox-external-submit"),
    path("worker/", include("annotator.sandbox.worker.urls")),
]
