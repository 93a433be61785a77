"""How a file of labels is encoded."""

import codecs
import errno
from pathlib import Path


def find_encoding(file: Path) -> str:
    """UTF-16 if the file begins with its mark, as spreadsheets save "Unicode text"; else UTF-8, with a mark or without.
    Raises OSError, also for a pipe: whoever reads one may wait for ever. So it is called before the file is opened.
    """
    if file.is_fifo():
        raise OSError(errno.ESPIPE, "it is a pipe")
    with file.open("rb") as opened:
        is_wide = opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if is_wide else "utf-8-sig"
