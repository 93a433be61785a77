"""The filters of the gallery, read from the address. The address is the whole state of the page."""

from argparse import ArgumentTypeError
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from annotator.comparison.relations import Relation
from annotator.crowd.categories import SemanticCategory
from annotator.notes.models import MAX_TAG
from annotator.refusals import Refusal
from annotator.shares import read_share

ANY = ("", "Any")
BRODEN_CATEGORIES = ("object", "part", "scene", "material", "texture", "color")
# Only units of our own dissections have crops.
MODES = [("", "Paper"), *((mode, mode.capitalize()) for mode in ("lite", "unconditional")), ("paper", "Paper, named")]
SORTS = [
    ("iou", "Highest IoU"),
    ("precision", "Highest precision"),
    ("least-precise", "Lowest precision"),
    ("importance", "Highest importance"),
    ("index", "Layer and index"),
    ("concept", "People's concept"),
    ("label", "Label by pixels"),
    ("method", "Highest score of the method"),
]


class ShareField(forms.CharField):
    """A share as a fraction or in percent."""

    def clean(self, value: Any) -> float | None:
        text = super().clean(value)
        try:
            return read_share(text) if text else None
        except ArgumentTypeError as unclear:
            raise forms.ValidationError(f"{unclear}.") from None


def _share(label: str) -> ShareField:
    text = forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "0.75 or 75 %", "autocomplete": "off"})
    return ShareField(label=label, required=False, widget=text)


def _choice(label: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[ANY, *choices])


class SelectionForm(forms.Form):
    """Each name that the address may have, and the values of each."""

    concept = forms.CharField(
        label="Concept",
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "wheel, sky, unit 12 …", "autocomplete": "off", "data-key": "/"}
        ),
    )
    network = forms.CharField(label="Network", required=False, max_length=80, strip=False)
    layer = forms.CharField(label="Layer", required=False, max_length=200, strip=False)
    index = forms.IntegerField(label="Unit", required=False, min_value=0, max_value=10_000_000)
    category = _choice("People's category", [(one.value, one.value) for one in SemanticCategory])
    broden_category = _choice("Category by pixels", [(one, one) for one in BRODEN_CATEGORIES])
    relation = _choice(
        "People and pixels", [("agree", "equal or synonym"), *((one.value, one.value) for one in Relation)]
    )
    precision_min = _share("Precision from")
    precision_max = _share("Precision to")
    agreement_min = _share("Same concept from")
    iou_min = _share("IoU from")
    iou_max = _share("IoU to")
    importance_min = forms.FloatField(label="Importance from", required=False, min_value=0)
    importance_max = forms.FloatField(label="Importance to", required=False, min_value=0)
    method = forms.CharField(label="Described by", required=False, max_length=80, strip=False)
    review = forms.BooleanField(label="Needs review", required=False)
    campaign = forms.CharField(label="Labels of campaign", required=False, max_length=80, strip=False)
    dissection = forms.UUIDField(label="Dissection", required=False)
    mode = forms.ChoiceField(label="IoU mode", required=False, choices=MODES)
    tag = forms.CharField(label="Tag", required=False, max_length=MAX_TAG)
    sort = forms.ChoiceField(label="Sort by", required=False, choices=SORTS)
    beside = forms.CharField(label="Beside", required=False, max_length=300, strip=False)
    page = forms.IntegerField(label="Page", required=False, min_value=1, max_value=1_000_000)

    def clean_concept(self) -> str:
        return str(self.cleaned_data["concept"]).strip()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("precision", "iou", "importance"):
            low, high = cleaned.get(f"{name}_min"), cleaned.get(f"{name}_max")
            if low is not None and high is not None and low > high:
                self.add_error(f"{name}_min", "The lower bound lies above the upper one.")
        if cleaned.get("sort") == "method" and not cleaned.get("method"):
            self.add_error("sort", "Choose the method whose scores give the order (Described by).")
        return cleaned


class UnknownFilter(Refusal):
    """The address asks for a filter that does not exist, or gives one a value it cannot have."""


@dataclass(frozen=True)
class Selection:
    """One view of the gallery: the cleaned filters, and the address that shows the same to anybody."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def address(self, **changes: object) -> str:
        """The query string of this view with some filters changed; None or "" drops a filter."""
        merged = {**self.values, **changes}
        named = [(name, merged[name]) for name in SelectionForm.base_fields if is_set(merged.get(name))]
        return "?" + urlencode([(name, "on" if value is True else str(value)) for name, value in named])

    def active(self) -> list[tuple[str, str, str]]:
        """(label, value, address without it) of each filter that is set, for the chips above the wall."""
        fields = SelectionForm.base_fields
        return [
            (
                str(fields[name].label),
                "yes" if value is True else f"{value:.6g}" if isinstance(value, float) else str(value),
                self.address(**{name: None, "page": None}),
            )
            for name, value in self.values.items()
            if name not in ("sort", "page", "beside") and value not in (None, "", False)
        ]


def read_selection(query: QueryDict) -> Selection:
    """Raises UnknownFilter with one clear sentence; nothing of a visitor's text reaches a look-up's name."""
    unknown = sorted(set(query) - set(SelectionForm.base_fields))
    if unknown:
        named = ", ".join(SelectionForm.base_fields)
        raise UnknownFilter(f"There is no filter named {unknown[0][:60]!r}. There are: {named}.")
    form = SelectionForm(query)
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        raise UnknownFilter(f"{name}: {problems[0]}")
    return Selection({name: value for name, value in form.cleaned_data.items() if is_set(value)})


def is_set(value: object) -> bool:
    """Zero is a value; `in (None, "", False)` would take it for False."""
    return value is not None and value is not False and value != ""
