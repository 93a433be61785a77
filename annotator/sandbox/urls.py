from django.urls import path

from annotator.health import show_health

urlpatterns = [path("healthz", show_health)]
