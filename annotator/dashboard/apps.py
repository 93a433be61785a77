from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "annotator.dashboard"
    verbose_name = "What researchers see"
