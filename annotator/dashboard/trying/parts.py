"""What stands on the page of a tried photograph: the view that its address asks for, units, shares, places, choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotator.dashboard.frame.numbers import read_number
from annotator.dashboard.trying.firing import Firing
from workers.engine.evidence import names


@dataclass(frozen=True)
class View:
    """What the address asks for: a class, another to compare it with, how map and boxes are made; or a unit or a label
    to be shown in place of the class.
    """

    chosen: int | None = None
    against: int | None = None
    method: str = ""
    boxes: str = names.PAPER
    unit: int | None = None
    label: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "View":
        def number(name: str) -> int | None:
            return read_number(query.get(name, ""))

        method, boxes = query.get("method", ""), query.get("boxes", "")
        return cls(
            chosen=number("class"),
            against=number("against"),
            method=method if method in names.MAPS else "",
            boxes=boxes if boxes in names.BOXES else names.PAPER,
            unit=number("unit"),
            label=number("label"),
        )


@dataclass(frozen=True)
class UnitRow:
    """A unit in a list: what it is called and by whom, and where its page and a crop of it are found; "" if they are
    not. `may_ask`: people can be asked about it, and were not.
    """

    index: int
    name: str
    told: str
    address: str
    crop: str
    is_asked: bool
    may_ask: bool


@dataclass(frozen=True)
class Bar:
    """What something adds to a score or to a difference; `width` of its bar in percent of the largest one."""

    value: float
    width: float

    @property
    def css_width(self) -> str:
        return f"{self.width:.1f}%"


@dataclass(frozen=True)
class Share(Bar):
    """A unit's part."""

    unit: UnitRow


@dataclass(frozen=True)
class Fired:
    unit: UnitRow
    firing: Firing
    link: str


@dataclass(frozen=True)
class Choice:
    """One of several ways to look at the answer. Of classes, `share` is the probability, None if only the score is
    known.
    """

    words: str
    link: str
    is_current: bool
    share: float | None = None
    score: float = 0.0


@dataclass(frozen=True)
class Place:
    """A rectangle in percent of the photograph, for CSS."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, box: Sequence[float], *, width: float, height: float) -> "Place":
        x0, y0, x1, y1 = box
        return cls(100 * x0 / width, 100 * y0 / height, 100 * (x1 - x0) / width, 100 * (y1 - y0) / height)
