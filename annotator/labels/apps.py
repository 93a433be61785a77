from django.apps import AppConfig


class LabelsConfig(AppConfig):
    name = "annotator.labels"
    verbose_name = "What a unit means to people"
