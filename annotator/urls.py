"""The web's addresses: the dashboard at the root, HIT pages under /hit/, the admin under /admin/."""

from django.contrib import admin
from django.urls import include, path

from annotator.health import show_health

urlpatterns = [
    path("healthz", show_health),
    path("hit/", include("annotator.crowd.urls")),
    path("admin/", admin.site.urls),
    path("", include("annotator.dashboard.urls")),
]
