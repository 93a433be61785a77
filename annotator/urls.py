"""The web's addresses: the dashboard at the root, HIT pages under /hit/, the admin under /admin/."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from annotator.health import show_health

handler400 = "annotator.problems.pages.show_bad_request"
handler403 = "annotator.problems.pages.show_forbidden"
handler404 = "annotator.problems.pages.show_not_found"
handler500 = "annotator.problems.pages.show_failed"
urlpatterns = [
    path("healthz", show_health),
    path("hit/", include("annotator.crowd.urls")),
    # One way to sign in: the one that slows down who keeps failing.
    path("admin/login/", RedirectView.as_view(pattern_name="sign-in", query_string=True)),
    # One way to change a password: the one that ends sessions and tokens and is logged.
    path("admin/password_change/", RedirectView.as_view(pattern_name="change-password")),
    path("admin/", admin.site.urls),
    path("", include("annotator.dashboard.urls")),
]
