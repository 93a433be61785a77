"""Words on a picture, in whatever script people wrote them: Pillow's own font has the letters of English alone."""

import functools
import unicodedata

from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

# Looked for where the system keeps its fonts; the first that has every letter of a text writes it. Of Debian, Windows
# and macOS: Latin, Greek and Cyrillic first, then Chinese, Japanese and Korean.
FONTS = (
    "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf",
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf", "msyh.ttc", "malgun.ttf", "Hiragino Sans GB.ttc", "Arial Unicode.ttf",
)  # fmt: skip
UNASSIGNED = "\U0010ffff"
NOT_DRAWN = "?"
WHY_NOT_DRAWN = "? stands for a letter that no font of this machine has. Some can be installed: fonts-noto-cjk, say."
NOTE_PX = 22
Ink = tuple[int, int, int] | int
Font = ImageFont.FreeTypeFont


class Pen:
    """Writes on one picture, and remembers whether a letter could not be written."""

    def __init__(self, page: Picture.Image) -> None:
        self._page, self._draw = page, ImageDraw.Draw(page)
        self._lacked = False

    def write(self, text: str, *, at: tuple[int, int], px: int, ink: Ink, width: int) -> None:
        """One line from `at`, cut to `width` pixels."""
        font, written = spell(text, px)
        self._lacked |= written.count(NOT_DRAWN) > text.count(NOT_DRAWN)
        whole = written
        while written and font.getlength(written) > width:
            written = whole[: len(written.removesuffix("...")) - 1].rstrip() + "..."
        # On one line with the writing of other fonts, whose letters are of other heights.
        self._draw.text((at[0], at[1] + px), written, ink, font, anchor="ls")

    def tell_lacking(self, *, at: tuple[int, int], ink: Ink) -> None:
        """Says in words why letters are missing, if any are."""
        if self._lacked:
            self._draw.text(at, WHY_NOT_DRAWN, ink, ImageFont.load_default(NOTE_PX))


def spell(text: str, px: int) -> tuple[Font, str]:
    """The font that has most letters of the text, and the text with those that it lacks replaced: an accented letter by
    the plain one, any other by a question mark.
    """
    # A letter and its accent as one, where there is such a letter: fonts seldom have the accent alone.
    text = unicodedata.normalize("NFC", text)
    fonts = [font for name in ("", *FONTS) if (font := _load(name, px))]
    font = min(fonts, key=lambda font: sum(_lacks(font, letter) for letter in set(text)))
    return font, "".join(_replace(font, letter) if _lacks(font, letter) else letter for letter in text)


@functools.cache
def _load(name: str, px: int) -> Font | None:
    try:
        font = ImageFont.truetype(name, px) if name else ImageFont.load_default(px)
    except OSError:
        return None
    return font if isinstance(font, ImageFont.FreeTypeFont) else None


@functools.cache
def _lacks(font: Font, letter: str) -> bool:
    """Whether it draws the letter as it draws what stands for no letter."""
    drawn, nothing = font.getmask(letter), font.getmask(UNASSIGNED)
    return drawn.size == nothing.size and bytes(drawn) == bytes(nothing)


def _replace(font: Font, letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter)[0]
    return NOT_DRAWN if plain == letter or _lacks(font, plain) else plain
