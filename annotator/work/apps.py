from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "annotator.work"
