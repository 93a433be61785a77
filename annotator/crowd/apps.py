from django.apps import AppConfig


class CrowdConfig(AppConfig):
    name = "annotator.crowd"
    verbose_name = "What is asked and answered"
