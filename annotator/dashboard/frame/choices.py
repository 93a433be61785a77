"""Form fields by which people choose a network, an image set, dissections or campaigns. `none_yet` says what to do
while there is none to choose.
"""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.program import name_command
from annotator.units.models import IMPORTED, Dissection, ImageSet, Network
from workers.engine.networks.saved import SAVED

REGISTER = format_html("Register one with <code>{}</code>.", name_command("register"))


def _lead_to(page: str, title: str) -> SafeString:
    return format_html('<a class="us-link" href="{}">{}</a> tells how to begin.', reverse(page), title)


def list_networks() -> QuerySet[Network]:
    """Networks that can answer: their code and tensors can be loaded here."""
    return Network.objects.exclude(architecture__startswith=IMPORTED).exclude(architecture=SAVED).order_by("name")


def list_image_sets() -> QuerySet[ImageSet]:
    return ImageSet.objects.exclude(address__startswith=IMPORTED).order_by("name")


def list_runs() -> QuerySet[Dissection]:
    """Finished dissections of networks as they are, in no order."""
    done = Dissection.objects.filter(state=Dissection.State.DONE, is_baseline=False)
    return done.select_related("network", "image_set").defer("labels")


class NetworkChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django gives no arguments when it runs
    none_yet = REGISTER


class ImageSetChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    none_yet = REGISTER


class RunChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Each dissection with what tells it from other runs of its network over its images."""

    none_yet = lazy(_lead_to, SafeString)("dissections", "Dissections")

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj}: {obj.run_words}"


class RunChoices(forms.ModelMultipleChoiceField, RunChoice):  # type: ignore[type-arg]
    widget = forms.CheckboxSelectMultiple


class CampaignChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    widget = forms.CheckboxSelectMultiple
    none_yet = lazy(_lead_to, SafeString)("campaigns", "Campaigns")
