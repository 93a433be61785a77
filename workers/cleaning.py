"""A process that decodes one photograph of a stranger and nothing else: `python -m workers.cleaning FILE FOLDER`.

It knows no database, no queue and no secrets; memory and time are bounded. It writes a clean copy and a smaller one to
be shown, and prints what it found as JSON, or ends with REFUSED after the reason.
"""

import json
import resource
import sys
from pathlib import Path

from PIL import Image

from workers import contract
from workers.engine.images.decoding import ImageUnreadable, decode_upright

REFUSED = 3
MAX_PX, MAX_SHOWN_PX = 2048, 1024
MEMORY_BYTES, CPU_SECONDS = 3 * 2**30, 50


def clean(source: Path, folder: Path) -> dict[str, object]:
    """Raises ImageUnreadable."""
    found = decode_upright(source, max_px=MAX_PX)
    # A new picture has no metadata of the file's.
    bare = Image.frombytes("RGB", found.picture.size, found.picture.tobytes())
    bare.save(folder / contract.CLEAN_PHOTOGRAPH, "PNG", compress_level=1)
    bare.thumbnail((MAX_SHOWN_PX, MAX_SHOWN_PX))
    bare.save(folder / contract.SHOWN_PHOTOGRAPH, "JPEG", quality=88)
    return {"width": found.width, "height": found.height, "remarks": list(found.remarks)}


def main() -> int:
    for what, bound in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, CPU_SECONDS)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        told = clean(Path(sys.argv[1]), Path(sys.argv[2]))
    except ImageUnreadable as error:
        sys.stdout.write(str(error))
        return REFUSED
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
