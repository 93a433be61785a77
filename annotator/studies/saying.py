"""What methods say about the units of a study."""

from collections.abc import Sequence

from annotator.comparison.methods import gather_said
from annotator.refusals import Refusal
from annotator.units.models import DissectedUnit


class NothingSaid(Refusal):
    """A method says nothing about the chosen units."""


def find_texts(units: Sequence[DissectedUnit], *, methods: Sequence[str]) -> dict[str, dict[int, str]]:
    """Method -> unit id -> its words. Raises NothingSaid if one of them says nothing about all of the units."""
    said = gather_said(one.unit_id for one in units)
    for method in methods:
        if method not in said:
            known = ", ".join(said) or "none"
            raise NothingSaid(f"{method!r} says nothing about these units. Methods that do: {known}.")
    return {method: {unit: one.text for unit, one in said[method].items()} for method in methods}
