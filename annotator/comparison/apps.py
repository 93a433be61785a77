from django.apps import AppConfig


class ComparisonConfig(AppConfig):
    name = "annotator.comparison"
    verbose_name = "How that stands beside labeled pixels"
