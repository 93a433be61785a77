"""Faults that the marketplace makes on purpose, to test clients. Off unless set; the API cannot set them."""

import dataclasses
import datetime as dt
import random
import time
from dataclasses import dataclass

from django.db.models import F

from annotator.sandbox.models.faults import Switches

ONLY_ROW = 1


class UnknownSwitch(Exception):
    """There is no such switch, or it cannot have this value; the message lists the switches."""


@dataclass(frozen=True)
class Switchboard:
    """Rates are between 0 and 1. Drawn from `seed` and the number of the call, so that a run can be repeated."""

    lost_response_rate: float = 0.0  # the act is committed, then the connection is cut
    throttle_rate: float = 0.0
    fault_rate: float = 0.0  # ServiceFault before anything is done
    latency_seconds: float = 0.0
    notification_duplicate_rate: float = 0.0
    notification_loss_rate: float = 0.0
    notification_reorder_rate: float = 0.0
    clock_offset_seconds: float = 0.0
    is_balance_exhausted: bool = False
    token_life_seconds: float = 86_400.0
    seed: int = 0

    def now(self) -> dt.datetime:
        """The marketplace's time. Views and commands read it and pass it on."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.clock_offset_seconds)

    @property
    def draws_lots(self) -> bool:
        return max(self.lost_response_rate, self.throttle_rate, self.fault_rate) > 0


def machine_now() -> dt.datetime:
    """The real time: clients date signatures by it, whatever time the marketplace has."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Lot:
    """The faults of one call."""

    is_throttled: bool = False
    is_fault: bool = False
    is_lost: bool = False


# What this process read last, and when. Other processes see a changed switch after this time.
FRESH_SECONDS = 0.5
_read: tuple[float, Switchboard] | None = None


def read() -> Switchboard:
    global _read
    if _read is None or time.monotonic() - _read[0] > FRESH_SECONDS:
        row = Switches.objects.filter(id=ONLY_ROW).values_list("settings", flat=True).first()
        _read = (time.monotonic(), Switchboard(**row) if row else Switchboard())
    return _read[1]


def forget() -> None:
    """Reads the row again next time."""
    global _read
    _read = None


def turn(**changes: object) -> Switchboard:
    """Sets some switches and leaves the others. Raises UnknownSwitch."""
    fields = {field.name: field for field in dataclasses.fields(Switchboard)}
    for name, value in changes.items():
        if name not in fields:
            raise UnknownSwitch(f"There is no switch {name}; there are {', '.join(fields)}.")
        _check(name, value, is_rate=name.endswith("_rate"))
    forget()
    board = dataclasses.replace(read(), **changes)  # type: ignore[arg-type]
    forget()
    Switches.objects.update_or_create(id=ONLY_ROW, defaults={"settings": dataclasses.asdict(board)})
    return board


def reset() -> None:
    forget()
    Switches.objects.filter(id=ONLY_ROW).delete()


def draw(board: Switchboard) -> Lot:
    if not board.draws_lots:
        return Lot()
    Switches.objects.filter(id=ONLY_ROW).update(n_calls=F("n_calls") + 1)
    number = Switches.objects.values_list("n_calls", flat=True).get(id=ONLY_ROW)
    lots = random.Random(f"{board.seed}/{number}")
    return Lot(
        is_throttled=lots.random() < board.throttle_rate,
        is_fault=lots.random() < board.fault_rate,
        is_lost=lots.random() < board.lost_response_rate,
    )


def _check(name: str, value: object, *, is_rate: bool) -> None:
    if name.startswith("is_"):
        if not isinstance(value, bool):
            raise UnknownSwitch(f"{name} is on or off, not {value!r}.")
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnknownSwitch(f"{name} is a number, not {value!r}.")
    if is_rate and not 0 <= value <= 1:
        raise UnknownSwitch(f"{name} lies between 0 and 1, not at {value!r}.")
