"""The marketplace's addresses: the API at the root, the worker site under /worker/, submissions at Amazon's path."""

from django.urls import include, path

from annotator.health import show_health
from annotator.sandbox.api.protocol import answer_call
from annotator.sandbox.frames.submissions import take_external_submission
from annotator.sandbox.worker import printed

handler400 = "annotator.problems.pages.show_bad_request"
handler403 = "annotator.problems.pages.show_forbidden"
handler404 = "annotator.problems.pages.show_not_found"
handler500 = "annotator.problems.pages.show_failed"
urlpatterns = [
    path("", answer_call),
    path("healthz", show_health),
    path("mturk/externalSubmit", take_external_submission, name="sandbox-external-submit"),
    path("mturk/preview", printed.open_preview, name="sandbox-printed-preview"),
    path("projects/<str:group_id>/tasks", printed.open_group, name="sandbox-printed-group"),
    path("worker/", include("annotator.sandbox.worker.urls")),
]
