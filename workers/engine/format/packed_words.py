"""Words beside arrays: what JSON can hold, as an array of bytes."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack_words(words: Any) -> NDArray[np.uint8]:
    """(n,) bytes."""
    return np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)


def unpack_words(packed: NDArray[Any]) -> Any:
    return json.loads(packed.tobytes())
