"""How a file of labels is encoded."""

import codecs
from pathlib import Path


def find_encoding(file: Path) -> str:
    """UTF-16 if the file begins with its mark, as spreadsheets save "Unicode text"; else UTF-8, with a mark or without.
    Raises OSError.
    """
    with file.open("rb") as opened:
        is_wide = opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if is_wide else "utf-8-sig"
