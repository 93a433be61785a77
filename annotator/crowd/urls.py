"""HIT pages: shown within a marketplace's frame. Only single-use links set a cookie."""

from django.urls import path

from annotator.crowd.page import link_pages, views

urlpatterns = [
    path("notifications/<str:marketplace>/<str:key>", views.take_notification, name="hit-notification"),
    path("sheet/<str:token>/<int:number>.jpg", views.show_sheet, name="hit-sheet"),
    path("link/<str:token>/", link_pages.show_link, name="link"),
    path("link/<str:token>/start", link_pages.start, name="link-start"),
    path("link/<str:token>/next", link_pages.go_on, name="link-next"),
    path("link/<str:token>/finish", link_pages.finish, name="link-finish"),
    path("place/<str:token>/done", link_pages.take_back, name="place-done"),
    path("<uuid:public_id>/", views.show_page, name="hit-page"),
    path("<uuid:public_id>/preview/<int:number>.jpg", views.show_preview_sheet, name="hit-preview-sheet"),
    path("<uuid:public_id>/start", views.start, name="hit-start"),
    path("<uuid:public_id>/draft", views.draft, name="hit-draft"),
    path("<uuid:public_id>/submit", views.submit, name="hit-submit"),
]
