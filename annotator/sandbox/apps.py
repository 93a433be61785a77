"""The app `sandbox`."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "annotator.sandbox"
    verbose_name = "A marketplace that speaks MTurk"
