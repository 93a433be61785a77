from django.apps import AppConfig


class DescriptionsConfig(AppConfig):
    name = "annotator.descriptions"
    verbose_name = "What methods say"
