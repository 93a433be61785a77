"""The worker site's addresses."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from annotator.sandbox.frames import content
from annotator.sandbox.worker import account, entering, history, hits, listing, qualifications


class MTurkIdConverter(StringConverter):
    """Ids as this marketplace makes them; other values are not found."""

    regex = "[A-Z0-9]{1,64}"


class AboutPageConverter(StringConverter):
    """The pages that the operator fills in."""

    regex = "terms|privacy|contact"


register_converter(MTurkIdConverter, "mturk_id")
register_converter(AboutPageConverter, "about_page")
urlpatterns = [
    path("", listing.list_groups, name="sandbox-list"),
    path("sign-up", entering.sign_up, name="sandbox-sign-up"),
    path("sign-in", entering.sign_in, name="sandbox-sign-in"),
    path("sign-out", entering.sign_out, name="sandbox-sign-out"),
    path("account", account.show_account, name="sandbox-account"),
    path("account/data", account.take_data, name="sandbox-data"),
    path("account/leave", account.leave, name="sandbox-leave"),
    path("about/<about_page:page>", account.show_about, name="sandbox-about"),
    path("key", entering.renew_key, name="sandbox-key"),
    path("groups/<mturk_id:group_id>/", listing.show_group, name="sandbox-group"),
    path("groups/<mturk_id:group_id>/next", hits.preview_next, name="sandbox-preview-next"),
    path("groups/<mturk_id:group_id>/accept", hits.accept_next, name="sandbox-accept-next"),
    path("hits/<mturk_id:hit_id>/", hits.preview, name="sandbox-preview"),
    path("hits/<mturk_id:hit_id>/report", account.report, name="sandbox-report"),
    path("hits/<mturk_id:hit_id>/accept", hits.accept, name="sandbox-accept"),
    path("hits/<mturk_id:hit_id>/content", content.show_content, name="sandbox-content"),
    path("assignments/<mturk_id:assignment_id>/", hits.work, name="sandbox-work"),
    path("assignments/<mturk_id:assignment_id>/return", hits.give_back, name="sandbox-return"),
    path("assignments/<mturk_id:assignment_id>/submit", hits.submit_form, name="sandbox-submit"),
    path("queue", history.show_queue, name="sandbox-queue"),
    path("history", history.show_history, name="sandbox-history"),
    path("qualifications", qualifications.show_all, name="sandbox-qualifications"),
    path("qualifications/<mturk_id:type_id>/request", qualifications.request_one, name="sandbox-request"),
    path("tests/<mturk_id:request_id>/", qualifications.take_test, name="sandbox-test"),
    path("files/<str:token>", content.show_file, name="sandbox-file"),
    path("messages", history.show_messages, name="sandbox-messages"),
    path("requesters/<mturk_id:requester_id>/write", history.write_message, name="sandbox-write"),
]
