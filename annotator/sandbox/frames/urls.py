"""All addresses at the host name of requesters' content; each is also an address of the marketplace itself."""

from django.urls import path

from annotator.sandbox.frames import content, submissions

handler400 = "annotator.problems.pages.show_bad_request"
handler403 = "annotator.problems.pages.show_forbidden"
handler404 = "annotator.problems.pages.show_not_found"
handler500 = "annotator.problems.pages.show_failed"
urlpatterns = [
    path("mturk/externalSubmit", submissions.take_external_submission),
    path("worker/hits/<str:hit_id>/content", content.show_content),
]
