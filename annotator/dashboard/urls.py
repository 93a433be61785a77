"""The dashboard's addresses. Those of units and campaigns are permanent: people send them to one another."""

from django.urls import path, register_converter

from annotator.dashboard.api.routes import api
from annotator.dashboard.campaigns import answers, launching, worker_ids
from annotator.dashboard.campaigns import buttons as campaign_actions
from annotator.dashboard.campaigns import pages as campaigns
from annotator.dashboard.dissections import pages as dissections
from annotator.dashboard.home import pages as home
from annotator.dashboard.people import decisions, sign_in
from annotator.dashboard.people import pages as people
from annotator.dashboard.reports import comparison, downloads, figures, imports
from annotator.dashboard.reports import side_by_side as networks
from annotator.dashboard.review import concepts
from annotator.dashboard.review import pages as review
from annotator.dashboard.units import crop_views, gallery, unit_page


class SheetConverter:
    """A tile sheet's name: the SHA-256 of its bytes."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SheetConverter, "sheet")


class LayerConverter:
    """A layer's dotted path, as PyTorch names modules."""

    regex = r"[^/\x00-\x1f]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LayerConverter, "layer")

urlpatterns = [
    path("api/", api.urls),
    path("", home.show_home, name="home"),
    path("live", home.show_live, name="home-live"),
    path("sign-in/", sign_in.show_sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("welcome/<str:uid>/<str:token>/", sign_in.show_welcome, name="welcome"),
    path("units/", gallery.show_gallery, name="gallery"),
    path("units/<slug:network>/<layer:layer>/<int:index>/", unit_page.show_unit, name="unit"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>.jpg", crop_views.show_sheet, name="sheet"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>-<int:columns>x<int:rows>.jpg", crop_views.show_wall, name="wall"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>.svg", crop_views.show_outlines, name="outlines"),
    path("fields/<uuid:dissection_id>/<sheet:picture>.png", crop_views.show_field, name="field"),
    path("campaigns/", campaigns.show_campaigns, name="campaigns"),
    path("import/", imports.import_files, name="import"),
    path("launch/", launching.compose_one, name="launch"),
    path("campaigns/<slug:name>/", campaigns.show_campaign, name="campaign"),
    path("campaigns/<slug:name>/progress", campaigns.show_campaign_progress, name="campaign-progress"),
    path("campaigns/<slug:name>/attention", campaigns.show_attention, name="campaign-attention"),
    path("campaigns/<slug:name>/concepts/", concepts.show_concepts, name="concepts"),
    path("campaigns/<slug:name>/concepts/merge/", concepts.merge_some, name="merge-concepts"),
    path("campaigns/<slug:name>/report.<slug:ending>", downloads.send_report, name="report"),
    path("campaigns/<slug:name>/export.zip", downloads.send_export, name="export"),
    path("campaigns/<slug:name>/comparison/", comparison.show_comparison, name="comparison"),
    path("campaigns/<slug:name>/work/<slug:kind>/", campaign_actions.start_work, name="campaign-work"),
    path("campaigns/<slug:name>/figures/", figures.show_figures, name="figures"),
    path("campaigns/<slug:name>/figures/<str:figure>.<slug:ending>", figures.send_figure, name="figure"),
    path("campaigns/<slug:name>/answers/", answers.show_answers, name="answers"),
    path("campaigns/<slug:name>/answers/<int:assignment_id>/", answers.decide_answer, name="decide-answer"),
    path("campaigns/<slug:name>/pause/", campaign_actions.pause, name="pause"),
    path("campaigns/<slug:name>/worker-ids.csv", worker_ids.send_worker_ids, name="worker-ids"),
    path("campaigns/<slug:name>/more/", campaign_actions.ask_for_more, name="campaign-more"),
    path("dissections/", dissections.show_dissections, name="dissections"),
    path("dissections/new/", dissections.request_one, name="dissect"),
    path("dissections/<uuid:dissection_id>/", dissections.show_dissection, name="dissection"),
    path(
        "dissections/<uuid:dissection_id>/progress",
        dissections.show_dissection_progress,
        name="dissection-progress",
    ),
    path("networks/", networks.show_networks, name="networks"),
    path("networks/<slug:figure>.<slug:ending>", networks.send_networks, name="networks-figure"),
    path("review/", review.show_review, name="review"),
    path("review/<slug:name>/next/", review.show_next, name="review-next"),
    path("review/<slug:name>/<int:label_id>/", review.show_one, name="review-one"),
    path("review/<slug:name>/<int:label_id>/decide/", review.decide_one, name="review-decide"),
    path("review/<slug:name>/<int:label_id>/split/", concepts.split_one, name="split-answers"),
    path("decisions/", decisions.show_decisions, name="decisions"),
    path("decisions/verified", decisions.verify_decisions, name="verify-decisions"),
    path("people/", people.show_people, name="people"),
    path("people/invite/", people.invite_one, name="invite"),
    path("people/erase/", people.erase_one, name="erase-worker"),
    path("people/tokens/", people.issue_one, name="issue-token"),
    path("people/tokens/<int:token_id>/revoke/", people.revoke_one, name="revoke-token"),
]
