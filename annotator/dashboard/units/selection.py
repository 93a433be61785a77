"""The filters of the gallery, read from the address. The address is the whole state of the page."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from annotator.dashboard.units.selection_form import SelectionForm
from annotator.refusals import Refusal


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
                "yes" if value is True else str(value),
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
