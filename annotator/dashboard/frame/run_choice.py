"""A form's boxes for dissections, each with what tells it from other runs of its network over its images."""

from django import forms
from django.db.models import Model

from annotator.units.models import Dissection


class RunChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # Django gives no arguments when it runs
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Model) -> str:
        return f"{obj}: {obj.run_words}" if isinstance(obj, Dissection) else str(obj)
