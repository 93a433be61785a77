"""The forms of the page "Try a photograph": what to look at (for read-outs, too), and what else to ask about it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from annotator.dashboard.frame.choices import ImageSetChoice, NetworkChoice, list_image_sets, list_networks
from annotator.dashboard.frame.numbers import read_number
from annotator.evidence.asking import MAX_PHOTOGRAPH_BYTES, Photograph
from annotator.units.models import Image, ImageSet
from workers.engine.plurals import say_count

TOO_LARGE = f"The file is larger than {MAX_PHOTOGRAPH_BYTES // 2**20} MiB. Save it smaller."


class PhotographForm(forms.Form):
    """A file, or a photograph of a registered image set: a visitor names no path."""

    file = forms.FileField(
        label="Photograph",
        required=False,
        help_text=f"JPEG, PNG, WebP or another common format, at most {MAX_PHOTOGRAPH_BYTES // 2**20} MiB",
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )
    image_set = ImageSetChoice(
        list_image_sets(),
        label="Or one of an image set",
        required=False,
        to_field_name="name",
        empty_label="(none)",
    )
    image = forms.CharField(
        label="Which one",
        required=False,
        max_length=500,
        help_text="Its path in the set, a part of the path, or its number from 0. Empty: one at random.",
    )

    def clean_file(self) -> Photograph | None:
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is None:
            return None
        if (file.size or 0) > MAX_PHOTOGRAPH_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        self.title = "".join(one if one.isprintable() else "?" for one in str(file.name))[:200]
        return Photograph(file.read())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if bool(cleaned["file"]) == bool(cleaned["image_set"]):
            self.add_error("file", "Choose either a file or an image set.")
        elif cleaned["image_set"]:
            cleaned["image"] = self._find_image(cleaned["image_set"], cleaned["image"].strip())
        return cleaned

    def _find_image(self, image_set: ImageSet, named: str) -> Image | None:
        images = Image.objects.filter(image_set=image_set, quarantine_reason="").select_related("image_set")
        if not named:
            found = images.order_by("?").first()
        elif (number := read_number(named)) is not None:
            found = images.filter(index=number).first()
        else:
            exact = images.filter(path=named).first()
            found = exact or images.filter(path__icontains=named).order_by("index").first()
        if found is None:
            what = f"no photograph {named[:100]!r}" if named else "no photographs that a dissection has read"
            self.add_error("image", f"The image set {image_set.name} has {what}.")
        return found


class TryForm(PhotographForm):
    """Only registered networks can be chosen, so that a visitor names no code."""

    network = NetworkChoice(list_networks(), to_field_name="name", empty_label=None)
    field_order = ("file", "network", "image_set", "image")


class AgainForm(forms.Form):
    """More about a photograph: another class, layer or network."""

    named = forms.CharField(
        label="Compare with another class",
        required=False,
        max_length=200,
        help_text="Its name, a part of the name, or its number",
    )
    layer = forms.ChoiceField(
        required=False, help_text="Other layers have maps by gradients alone, without shares of units"
    )
    network = NetworkChoice(list_networks(), to_field_name="name", empty_label=None)

    def __init__(self, *args: Any, layers: Sequence[str], names: Sequence[str], **given: Any) -> None:
        super().__init__(*args, **given)
        self.names = names
        self.fields["layer"].choices = [  # type: ignore[attr-defined]
            ("", "the one that the head pools"), *((path, path) for path in layers)
        ]  # fmt: skip
        self.fields["named"].widget.attrs["list"] = "class-names"

    def clean_named(self) -> int | None:
        """The index of the class."""
        named = str(self.cleaned_data["named"]).strip()
        if not named:
            return None
        number = read_number(named)
        if number is not None and number < len(self.names):
            return number
        lowered = [name.casefold() for name in self.names]
        fitting = [lowered.index(named.casefold())] if named.casefold() in lowered else []
        fitting = fitting or [index for index, name in enumerate(lowered) if named.casefold() in name]
        if not fitting:
            raise forms.ValidationError(f"The network has no class {named[:60]!r}.")
        if len(fitting) > 1:
            shown = ", ".join(self.names[index] for index in fitting[:5])
            raise forms.ValidationError(
                f"{say_count(len(fitting), 'class fits', 'classes fit')}: {shown}. Write more of the name."
            )
        return fitting[0]
