"""The form that has a read-out fitted to a registered image set: a visitor names neither code nor a path."""

from typing import Any

from django import forms

from annotator.dashboard.frame.choices import ImageSetChoice, NetworkChoice, list_image_sets, list_networks
from annotator.evidence.asking import AskedNetwork
from annotator.names import MAX_LENGTH
from annotator.readouts.models import Readout
from annotator.units.models import ImageSet, Network
from workers.engine.readouts.options import OPTIONS_OF, Options

# What the set must hold by task is said beside the field.
TASK_HELP = (
    "Classes: class folders, or labels. A number: the share of a photograph that a label covers. Questions and "
    "captions: their table lies in the set's folder."
)
N_CLUSTERS = 10
# What the form says of Options.
OF_FORM = ("data", "labels", "category", "label", "positive", "clusters")
OF_ONE_LABEL = (Readout.Task.CLASSIFY, Readout.Task.REGRESS)


class FitForm(forms.Form):
    name = forms.CharField(max_length=MAX_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    task = forms.ChoiceField(label="It answers with", choices=Readout.Task.choices, help_text=TASK_HELP)
    network = NetworkChoice(list_networks(), to_field_name="name", empty_label=None)
    image_set = ImageSetChoice(list_image_sets(), to_field_name="name", empty_label=None)
    layer = forms.CharField(required=False, max_length=200, help_text="Empty: the one that the head pools")
    category = forms.CharField(required=False, max_length=60, help_text="Of labels; empty: all categories")
    label = forms.CharField(
        required=False, max_length=200, help_text="A number needs one; of classes, this one against all others"
    )
    clusters = forms.IntegerField(min_value=2, max_value=1000, initial=N_CLUSTERS, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        task, label = cleaned.get("task"), cleaned.get("label")
        if task == Readout.Task.REGRESS and not label:
            self.add_error("label", "Name the label whose share is read.")
        if label and task not in OF_ONE_LABEL:
            self.add_error("label", "Leave it out: it is for classes and numbers.")
        if cleaned.get("clusters") not in (None, N_CLUSTERS) and task != Readout.Task.CLUSTER:
            self.add_error("clusters", "Leave it out: it is for clusters.")
        return cleaned

    def options(self) -> dict[str, Any]:
        """As begin_fit takes them."""
        given = self.cleaned_data
        labels = given["image_set"].labels if "labels" in OPTIONS_OF[given["task"]] else ""
        label = {"positive" if given["task"] == Readout.Task.CLASSIFY else "label": given["label"]}
        options = Options(
            data=(given["image_set"].address,),
            labels=labels,
            category=given["category"],
            clusters=given["clusters"] or N_CLUSTERS,
            **label,
        )
        return {**vars(options), "data": list(options.data)}

    def asked_network(self) -> AskedNetwork:
        found: Network = self.cleaned_data["network"]
        return AskedNetwork(found.architecture, found.weights, found.preprocessing, found.code_folder)


def fill_in_like(readout: Readout) -> dict[str, Any]:
    """The form by which the read-out was fitted, by field; empty if it takes a command to fit it so again."""
    options = readout.options
    given = Options.from_json(options)
    if given != Options(**{name: value for name, value in vars(given).items() if name in OF_FORM}):
        return {}
    network = list_networks().filter(architecture=readout.architecture, weights=readout.weights).first()
    images = ImageSet.objects.filter(address__in=given.data).first()
    if network is None or images is None:
        return {}
    return {
        "name": readout.name, "task": readout.task, "network": network.name, "image_set": images.name,
        "layer": options.get("asked_layer", ""), "category": given.category, "label": given.positive or given.label,
        "clusters": given.clusters,
    }  # fmt: skip
