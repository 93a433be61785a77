"""HIT pages: shown within a marketplace's frame, without cookies."""

from django.urls import path

from annotator.crowd.page import views

urlpatterns = [
    path("notifications/<str:marketplace>/<str:key>", views.take_notification, name="hit-notification"),
    path("sheet/<str:token>/<int:number>.jpg", views.show_sheet, name="hit-sheet"),
    path("<uuid:public_id>/", views.show_page, name="hit-page"),
    path("<uuid:public_id>/preview/<int:number>.jpg", views.show_preview_sheet, name="hit-preview-sheet"),
    path("<uuid:public_id>/start", views.start, name="hit-start"),
    path("<uuid:public_id>/draft", views.draft, name="hit-draft"),
    path("<uuid:public_id>/submit", views.submit, name="hit-submit"),
]
