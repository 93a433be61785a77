from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "annotator.evidence"
    verbose_name = "Where and why"
