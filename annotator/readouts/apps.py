from django.apps import AppConfig


class ReadoutsConfig(AppConfig):
    name = "annotator.readouts"
    verbose_name = "Read-outs"
