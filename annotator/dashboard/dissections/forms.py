"""The form of a new dissection: what a person may choose, from what is registered and from the engine's own options."""

from typing import Any

from django import forms
from django.urls import reverse_lazy

from annotator.dashboard.frame.choices import ImageSetChoice, NetworkChoice, list_image_sets
from annotator.program import name_command
from annotator.units.asked_options import choose_options
from annotator.units.models import IMPORTED, Network
from workers.engine.measures.options import list_chosen, list_declared, list_defaults
from workers.engine.measures.recorded import Option

# Options of the engine that most dissections do not change: folded away.
FOLDED = ("batch_size", "seed", "axes", "tokens", "segment", "dimming", "crops")


class PickedLayers(forms.Textarea):
    """Layers that were typed, together with those that were ticked in the tree beside."""

    def use_required_attribute(self, initial: Any) -> bool:
        """A browser would insist on typed layers where some are ticked."""
        return False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return "\n".join(data.getlist(name)) if hasattr(data, "getlist") else str(data.get(name, ""))


class DissectForm(forms.Form):
    """Only registered networks and image sets can be chosen, so that a visitor names no code and no path."""

    network = NetworkChoice(
        Network.objects.exclude(architecture__startswith=IMPORTED).order_by("name"),
        empty_label=None,
        help_text=f"Registered by {name_command('dissect')}",
        widget=forms.Select(
            attrs={"hx-get": reverse_lazy("dissect-layers"), "hx-trigger": "load, change", "hx-target": "#layers-tree"}
        ),
    )
    image_set = ImageSetChoice(list_image_sets(), empty_label=None)
    layers = forms.CharField(
        help_text="Tick layers in the network's tree, or type dotted paths, one per line.",
        widget=PickedLayers(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=20_000,
        error_messages={"required": "Tick or type at least one layer."},
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        defaults = list_defaults() | list_chosen()
        for name, stated in list_declared().items():
            if stated.title:
                self.fields[name] = _make_field(defaults[name], stated)

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FOLDED]

    def folded_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FOLDED]

    def options(self) -> dict[str, Any]:
        """As the engine reads them, without fields that were left empty."""
        given = {name: value for name in list_declared() if (value := self.cleaned_data.get(name)) not in (None, "")}
        (chosen,) = choose_options(given)
        return chosen

    def clean_layers(self) -> list[str]:
        paths = list(dict.fromkeys(str(self.cleaned_data["layers"]).replace(",", " ").split()))
        if len(paths) > 64 or any(len(path) > 200 for path in paths):
            raise forms.ValidationError("Name at most 64 layers, each of at most 200 characters.")
        return paths


def _make_field(default: Any, stated: Option) -> forms.Field:
    """A form's field for an option of the engine, from its declaration."""
    help_text = stated.help[0].upper() + stated.help[1:]
    asked: dict[str, Any] = {"label": stated.title, "help_text": help_text, "initial": default}
    choices = [(choice, choice) for choice in stated.choices]
    if default == "" and stated.choices:
        choices = [("", "found by itself"), *choices]
    if stated.pattern:
        return forms.RegexField(
            f"^(?:{stated.pattern})$", required=False, error_messages={"invalid": f"Give {stated.words}."}, **asked
        )
    if isinstance(default, tuple):
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **asked)
    if stated.choices:
        return forms.ChoiceField(choices=choices, required=False, **asked)
    if isinstance(default, bool):
        return forms.BooleanField(required=False, **asked)
    bounds: dict[str, Any] = {"min_value": stated.low, "max_value": stated.high, "required": False}
    return forms.IntegerField(**bounds, **asked) if isinstance(default, int) else forms.FloatField(**bounds, **asked)
