from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "annotator.notes"
    verbose_name = "What people note"
