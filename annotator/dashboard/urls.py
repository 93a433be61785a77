"""The dashboard's addresses. Those of units and campaigns are permanent: people send them to one another."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from annotator.dashboard.api.routes import api
from annotator.dashboard.campaigns.answers import decide_answer, decide_chosen, show_answers
from annotator.dashboard.campaigns.buttons import ask_for_more, pause, start_work
from annotator.dashboard.campaigns.composing import compose_one
from annotator.dashboard.campaigns.editing import edit_one
from annotator.dashboard.campaigns.links import change_link, make_some, send_links, show_links
from annotator.dashboard.campaigns.live_quote import show_changed_quote, show_quote
from annotator.dashboard.campaigns.notices import change_notices
from annotator.dashboard.campaigns.pages import show_attention, show_campaign, show_campaign_progress, show_campaigns
from annotator.dashboard.crowd.pages import answer_one, mark_read, send_again, show_balance, show_crowd
from annotator.dashboard.dissections.layer_tree import show_layer_tree
from annotator.dashboard.dissections.pages import (
    request_one,
    show_dissection,
    show_dissection_progress,
    show_dissections,
    start_step,
)
from annotator.dashboard.home.pages import show_home, show_live
from annotator.dashboard.localizing.pages import (
    send_picture,
    show_localization,
    show_localization_progress,
    show_localizations,
)
from annotator.dashboard.looking.alike import show_beside, show_similar
from annotator.dashboard.looking.layers import show_best, show_layer, show_layers
from annotator.dashboard.looking.photographs import show_crop, show_image, show_look
from annotator.dashboard.looking.pictures import send_labeled_pixels, send_looked_at, send_unit_overlay
from annotator.dashboard.looking.views import send_view, send_viewed, show_views
from annotator.dashboard.looking.walking import show_walk
from annotator.dashboard.noting.pages import (
    delete_note,
    delete_tag,
    delete_view,
    end_link,
    keep_view,
    note_unit,
    open_shared,
    share_one,
    show_notes,
)
from annotator.dashboard.people.pages import (
    change_person,
    erase_one,
    invite_one,
    issue_one,
    revoke_one,
    show_decisions,
    show_people,
    verify_decisions,
)
from annotator.dashboard.people.sign_in import change_password, show_sign_in, show_welcome, sign_out
from annotator.dashboard.readouts.pages import (
    cancel_one,
    delete_readout_page,
    read_again,
    send_map,
    show_reading,
    show_reading_progress,
    show_readout,
    show_readout_progress,
    show_readouts,
)
from annotator.dashboard.reports.comparison import show_comparison
from annotator.dashboard.reports.downloads import send_bundle, send_export, send_report, send_worker_ids
from annotator.dashboard.reports.figures import send_figure, show_figures
from annotator.dashboard.reports.imports import import_files
from annotator.dashboard.reports.methods import show_methods
from annotator.dashboard.reports.side_by_side import send_networks, show_networks
from annotator.dashboard.review.concepts import merge_some, show_concepts, split_one
from annotator.dashboard.review.pages import show_label, show_next_label, show_review, take_decision, undo_last
from annotator.dashboard.studies.pages import (
    send_study_report,
    show_studies,
    show_study,
    show_study_results,
    start_study_step,
)
from annotator.dashboard.studies.planning import plan_one, show_plans
from annotator.dashboard.trying.pages import ask_again, delete_one, keep_one, show_trial, show_trial_progress, try_one
from annotator.dashboard.trying.pictures import send_class_map, send_label, send_photograph, send_unit_map
from annotator.dashboard.units.crop_views import show_field, show_missing, show_outlines, show_sheet, show_wall
from annotator.dashboard.units.gallery import show_gallery
from annotator.dashboard.units.unit_page import show_unit
from annotator.names import NameConverter


class SheetConverter(StringConverter):
    """A tile sheet's name: the SHA-256 of its bytes, or of what it is cut from when somebody looks at it."""

    regex = "(?:late[0-9a-f]{60}|[0-9a-f]{64})"


register_converter(SheetConverter, "sheet")
register_converter(NameConverter, "name")

urlpatterns = [
    path("api/", api.urls),
    path("", show_home, name="home"),
    path("live", show_live, name="home-live"),
    path("sign-in/", show_sign_in, name="sign-in"),
    path("sign-out/", sign_out, name="sign-out"),
    path("welcome/<str:uid>/<str:token>/", show_welcome, name="welcome"),
    path("units/", show_gallery, name="gallery"),
    path("units/<name:network>/<name:layer>/<int:index>/", show_unit, name="unit"),
    path("units/<name:network>/<name:layer>/<int:index>/crops/<int:rank>/", show_crop, name="crop"),
    path("units/<name:network>/<name:layer>/<int:index>/crops/<int:rank>/views/", show_views, name="crop-views"),
    path("looks/<uuid:question_id>/views/photograph.jpg", send_viewed, name="view-photograph"),
    path("looks/<uuid:question_id>/views/<slug:picture>.png", send_view, name="view-picture"),
    path("units/beside/", show_beside, name="units-beside"),
    path("units/<name:network>/<name:layer>/<int:index>/similar/", show_similar, name="similar"),
    path("units/<name:network>/<name:layer>/<int:index>/walk/", show_walk, name="walk"),
    path("units/<name:network>/<name:layer>/<int:index>/notes/", note_unit, name="note"),
    path("notes/", show_notes, name="notes"),
    path("notes/<int:note_id>/delete/", delete_note, name="note-delete"),
    path("tags/<int:tag_id>/delete/", delete_tag, name="tag-delete"),
    path("views/", keep_view, name="view-save"),
    path("views/<int:view_id>/delete/", delete_view, name="view-delete"),
    path("share/", share_one, name="share"),
    path("share/<int:link_id>/end/", end_link, name="share-end"),
    path("shared/<str:key>/", open_shared, name="shared"),
    path("layers/", show_best, name="best-units"),
    path("layers/<name:network>/", show_layers, name="layers"),
    path("layers/<name:network>/<name:layer>/", show_layer, name="layer"),
    path("images/<name:image_set>/<int:index>/", show_image, name="image"),
    path("images/<name:image_set>/<int:index>/look", show_look, name="look"),
    path("looks/<uuid:question_id>/photograph.jpg", send_looked_at, name="look-photograph"),
    path(
        "looks/<uuid:question_id>/<uuid:dissection_id>/unit-<int:index>-<slug:way>.png",
        send_unit_overlay,
        name="look-unit",
    ),
    path("looks/<uuid:question_id>/label-<int:place>.png", send_labeled_pixels, name="look-label"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>.jpg", show_sheet, name="sheet"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>-<int:columns>x<int:rows>.jpg", show_wall, name="wall"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>.svg", show_outlines, name="outlines"),
    path("crops/<uuid:dissection_id>/<sheet:sheet>/missing", show_missing, name="missing-pictures"),
    path("fields/<uuid:dissection_id>/<sheet:picture>.png", show_field, name="field"),
    path("campaigns/", show_campaigns, name="campaigns"),
    path("import/", import_files, name="import"),
    path("launch/", compose_one, name="launch"),
    path("launch/quote", show_quote, name="launch-quote"),
    path("campaigns/<name:name>/", show_campaign, name="campaign"),
    path("campaigns/<name:name>/edit/", edit_one, name="campaign-edit"),
    path("campaigns/<name:name>/edit/quote", show_changed_quote, name="campaign-edit-quote"),
    path("campaigns/<name:name>/progress", show_campaign_progress, name="campaign-progress"),
    path("campaigns/<name:name>/attention", show_attention, name="campaign-attention"),
    path("campaigns/<name:name>/concepts/", show_concepts, name="concepts"),
    path("campaigns/<name:name>/concepts/merge/", merge_some, name="merge-concepts"),
    path("campaigns/<name:name>/report.<slug:ending>", send_report, name="report"),
    path("campaigns/<name:name>/export.zip", send_export, name="export"),
    path("campaigns/<name:name>/bundle.zip", send_bundle, name="bundle"),
    path("campaigns/<name:name>/comparison/", show_comparison, name="comparison"),
    path("campaigns/<name:name>/work/<slug:kind>/", start_work, name="campaign-work"),
    path("campaigns/<name:name>/figures/", show_figures, name="figures"),
    path("campaigns/<name:name>/figures/<str:figure>.<slug:ending>", send_figure, name="figure"),
    path("campaigns/<name:name>/answers/", show_answers, name="answers"),
    path("campaigns/<name:name>/answers/chosen/", decide_chosen, name="decide-chosen"),
    path("campaigns/<name:name>/answers/<int:assignment_id>/", decide_answer, name="decide-answer"),
    path("campaigns/<name:name>/pause/", pause, name="pause"),
    path("campaigns/<name:name>/links/", show_links, name="links"),
    path("campaigns/<name:name>/links/make/", make_some, name="links-make"),
    path("campaigns/<name:name>/links/<int:number>/<slug:act>/", change_link, name="links-change"),
    path("campaigns/<name:name>/links/<slug:file>.csv", send_links, name="links-file"),
    path("campaigns/<name:name>/notices/", change_notices, name="notices"),
    path("campaigns/<name:name>/worker-ids.csv", send_worker_ids, name="worker-ids"),
    path("campaigns/<name:name>/more/", ask_for_more, name="campaign-more"),
    path("dissections/", show_dissections, name="dissections"),
    path("dissections/new/", request_one, name="dissect"),
    path("dissections/new/layers", show_layer_tree, name="dissect-layers"),
    path("dissections/<uuid:dissection_id>/", show_dissection, name="dissection"),
    path("dissections/<uuid:dissection_id>/progress", show_dissection_progress, name="dissection-progress"),
    path("dissections/<uuid:dissection_id>/work/<slug:kind>/", start_step, name="dissection-work"),
    path("try/", try_one, name="try"),
    path("try/<uuid:question_id>/", show_trial, name="trial"),
    path("try/<uuid:question_id>/progress", show_trial_progress, name="trial-progress"),
    path("try/<uuid:question_id>/photograph.jpg", send_photograph, name="trial-photograph"),
    path("try/<uuid:question_id>/class-<int:index>-<slug:method>.png", send_class_map, name="trial-class"),
    path("try/<uuid:question_id>/unit-<int:index>.png", send_unit_map, name="trial-unit"),
    path("try/<uuid:question_id>/label-<int:place>.png", send_label, name="trial-label"),
    path("try/<uuid:question_id>/again/", ask_again, name="trial-again"),
    path("try/<uuid:question_id>/keep/", keep_one, name="trial-keep"),
    path("try/<uuid:question_id>/delete/", delete_one, name="trial-delete"),
    path("readouts/", show_readouts, name="readouts"),
    path("readouts/<name:name>/", show_readout, name="readout"),
    path("readouts/<name:name>/progress", show_readout_progress, name="readout-progress"),
    path("readouts/<name:name>/cancel/", cancel_one, name="readout-cancel"),
    path("readouts/<name:name>/delete/", delete_readout_page, name="readout-delete"),
    path("readings/<uuid:question_id>/", show_reading, name="reading"),
    path("readings/<uuid:question_id>/progress", show_reading_progress, name="reading-progress"),
    path("readings/<uuid:question_id>/map.png", send_map, name="reading-map"),
    path("readings/<uuid:question_id>/word-<int:word>.png", send_map, name="reading-word"),
    path("readings/<uuid:question_id>/again/", read_again, name="reading-again"),
    path("studies/", show_studies, name="studies"),
    path("studies/<name:name>/", show_study, name="study"),
    path("studies/<name:name>/results", show_study_results, name="study-results"),
    path("studies/<name:name>/report.zip", send_study_report, name="study-report"),
    path("studies/<name:name>/work/<slug:kind>/", start_study_step, name="study-work"),
    path("plan/", plan_one, name="plan-study"),
    path("plan/jobs", show_plans, name="study-plans"),
    path("methods/", show_methods, name="methods"),
    path("localization/", show_localizations, name="localizations"),
    path("localization/<uuid:question_id>/", show_localization, name="localization"),
    path("localization/<uuid:question_id>/progress", show_localization_progress, name="localization-progress"),
    path("localization/<uuid:question_id>/<slug:group>-<int:place>.jpg", send_picture, name="localization-picture"),
    path("networks/", show_networks, name="networks"),
    path("networks/<slug:figure>.<slug:ending>", send_networks, name="networks-figure"),
    path("review/", show_review, name="review"),
    path("review/<name:name>/next/", show_next_label, name="review-next"),
    path("review/<name:name>/undo/", undo_last, name="review-undo"),
    path("review/<name:name>/<int:label_id>/", show_label, name="review-one"),
    path("review/<name:name>/<int:label_id>/decide/", take_decision, name="review-decide"),
    path("review/<name:name>/<int:label_id>/split/", split_one, name="split-answers"),
    path("crowd/", show_crowd, name="crowd"),
    path("crowd/balance/<slug:marketplace>", show_balance, name="balance"),
    path("crowd/letters/<int:letter_id>/answer/", answer_one, name="letter-answer"),
    path("crowd/letters/<int:letter_id>/again/", send_again, name="letter-again"),
    path("crowd/letters/<int:letter_id>/read/", mark_read, name="letter-read"),
    path("decisions/", show_decisions, name="decisions"),
    path("decisions/verified", verify_decisions, name="verify-decisions"),
    path("people/", show_people, name="people"),
    path("people/invite/", invite_one, name="invite"),
    path("people/<int:user_id>/<slug:act>/", change_person, name="change-person"),
    path("people/password/", change_password, name="change-password"),
    path("people/erase/", erase_one, name="erase-worker"),
    path("people/tokens/", issue_one, name="issue-token"),
    path("people/tokens/<int:token_id>/revoke/", revoke_one, name="revoke-token"),
]
