from django.apps import AppConfig


class UnitsConfig(AppConfig):
    name = "annotator.units"
    verbose_name = "What is studied"
