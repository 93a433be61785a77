"""Words in other scripts than English on a picture."""

from pathlib import Path

import pytest
import unfold
from PIL import Image

from workers.engine.drawing import lettering
from workers.engine.drawing.lettering import Pen, spell


def test_without_any_font_of_the_system_letters_lose_their_accents_and_others_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lettering, "FONTS", ("no-such-font.ttf",))
    assert spell("café ñ", 20)[1] == "cafe n"
    assert spell("cafe\u0301", 20)[1] == "cafe"
    assert spell("banana 香蕉", 20)[1] == "banana ??"


def test_the_first_font_that_has_all_letters_writes_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    inter = Path(unfold.__file__).parent / "static" / "unfold" / "fonts" / "inter" / "Inter-Regular.woff2"
    monkeypatch.setattr(lettering, "FONTS", (str(inter),))
    font, written = spell("café ñ", 20)
    assert (font.getname()[0], written) == ("Inter", "café ñ")
    assert spell("cafe", 20)[0].getname()[0] == "Aileron"


@pytest.mark.parametrize(("text", "is_told"), [("banana 香", True), ("what?", False)])
def test_only_a_picture_that_lacks_a_letter_says_why(text: str, is_told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "FONTS", ())
    page = Image.new("L", (1200, 100))
    pen = Pen(page)
    pen.write(text, at=(0, 0), px=20, ink=255, width=400)
    pen.tell_lacking(at=(0, 60), ink=255)
    assert page.crop((0, 0, 1200, 50)).getbbox()
    assert bool(page.crop((0, 50, 1200, 100)).getbbox()) is is_told


def test_a_long_line_is_cut_at_its_width() -> None:
    page = Image.new("L", (800, 60))
    Pen(page).write("wide " * 40, at=(0, 0), px=20, ink=255, width=400)
    box = page.getbbox()
    assert box
    assert 380 <= box[2] <= 400
