"""A unit's strip of tiles: the only code that reads strips from the artifact store."""

import functools
import hashlib
import textwrap
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from xml.sax.saxutils import escape

from annotator.units.models import DissectedUnit, Dissection
from workers.engine.format.artifact import checksum_name, field_name, is_late, tile_name
from workers.engine.measures.options import list_defaults
from workers.store import NotStored, Store, StoreError, open_store

# After a store did not answer it is not asked again for this long: every request would hold a thread meanwhile.
ASK_AGAIN_SECONDS = 10
# Strips of a campaign, when all are checked.
READ_AT_ONCE = 8
_asked_again_at: dict[str, float] = {}
T = TypeVar("T")


class CropsDamaged(StoreError):
    """What is stored under a strip's name has another digest."""


@functools.lru_cache(maxsize=32)
def read_strip(*, artifact: str, strip: str) -> bytes:
    """The JPEG of one unit: the tile of rank r at y = r * width, top crops first, then the low ones.

    Raises NotStored, CropsDamaged; StoreError if the store does not answer. Kept for a while: a HIT asks for several
    sheets of one strip within a second.
    """
    return _read_checked(open_store(artifact), strip)


def read_field(*, artifact: str, picture: str) -> bytes:
    """The PNG of a unit's empirical receptive field. Raises what `read_strip` raises."""
    name = field_name(picture)
    store = open_store(artifact)
    content = _unless_silent(store, lambda: store.read(name))
    if hashlib.sha256(content).hexdigest() != picture:
        raise CropsDamaged(f"The stored picture {name} is damaged; restore the artifact or dissect again.")
    return content


def count_tiles(dissection: Dissection) -> int:
    """How many tiles each strip of a dissection has: those of ranks without an image are blank."""
    asked = {**list_defaults(), **dissection.options}
    return int(asked["n_top"]) + int(asked["n_low"])


def find_broken(units: Iterable[DissectedUnit]) -> list[tuple[DissectedUnit, StoreError]]:
    """The units whose crops cannot be shown, and why, as the store holds them now. Reads each strip whole."""
    return _find_errors(units, _read_checked)


def find_gone(units: Iterable[DissectedUnit]) -> list[tuple[DissectedUnit, StoreError]]:
    """The units whose crops are not in the store, or whose store does not answer. Reads no strip."""
    return _find_errors(units, _check_stored)


def _find_errors(
    units: Iterable[DissectedUnit], check: Callable[[Store, str], object]
) -> list[tuple[DissectedUnit, StoreError]]:
    units, open_once = list(units), functools.cache(open_store)

    def find_error(unit: DissectedUnit) -> StoreError | None:
        try:
            check(open_once(unit.dissection.artifact), unit.strip)
        except StoreError as error:
            return error
        return None

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        errors = list(pool.map(find_error, units))
    return [(unit, error) for unit, error in zip(units, errors, strict=True) if error is not None]


def check_strip(unit: DissectedUnit) -> None:
    """Reads the unit's crops as they are now. Raises what `read_strip` raises."""
    _read_checked(open_store(unit.dissection.artifact), unit.strip)


def _read_checked(store: Store, strip: str) -> bytes:
    content = _unless_silent(store, lambda: store.read(tile_name(strip)))
    expected = strip
    if is_late(strip):
        expected = _unless_silent(store, lambda: store.read(checksum_name(strip))).decode(errors="replace")
    if hashlib.sha256(content).hexdigest() != expected:
        raise CropsDamaged(f"The stored crops {tile_name(strip)} are damaged; restore the artifact or dissect again.")
    return content


def _check_stored(store: Store, strip: str) -> None:
    if not _unless_silent(store, lambda: store.exists(tile_name(strip))):
        raise NotStored(f"{tile_name(strip)} is not in {store.root}.")


def _unless_silent(store: Store, ask: Callable[[], T]) -> T:
    # One bucket answers or does not; of folders on this machine, each may fail by itself.
    where = store.root if store.root.startswith("file://") else "/".join(store.root.split("/", 3)[:3])
    if time.monotonic() < _asked_again_at.get(where, 0.0):
        raise StoreError(f"{where} did not answer a moment ago.")
    try:
        return ask()
    except NotStored:
        raise
    except StoreError:
        _asked_again_at[where] = time.monotonic() + ASK_AGAIN_SECONDS
        raise


def draw_placeholder(error: BaseException) -> tuple[bytes, int]:
    """An SVG picture that says why there are no crops, and the HTTP status: 503 if they may come back."""
    gone = isinstance(error, NotStored | CropsDamaged) or not isinstance(error, StoreError)
    if isinstance(error, CropsDamaged):
        said = "These crops are damaged."
    else:
        said = "These crops are missing." if gone else "The store of crops does not answer. Try again later."
    return draw_sentence(said), 404 if gone else 503


def draw_sentence(said: str) -> bytes:
    """An SVG picture of a sentence, in the place of crops, as wide for its height as a wall of them."""
    lines = textwrap.wrap(said, width=28, max_lines=8)
    first = 157 - 15 * (len(lines) - 1)
    spans = "".join(f'<tspan x="200" y="{first + 30 * i}">{escape(line)}</tspan>' for i, line in enumerate(lines))
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" width="400" height="300" role="img">'
        f"<title>{escape(said)}</title>"
        '<rect width="400" height="300" fill="#767676"/><text fill="#fff" font-family="sans-serif" '
        f'font-size="22" text-anchor="middle">{spans}</text></svg>'
    )
    return text.encode()
