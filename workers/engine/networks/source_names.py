"""What `--network` may begin with. No torch: the web checks it, too."""

from workers.engine.networks.encoder_recipe import find_encoded
from workers.engine.networks.surgery_recipe import find_base

# Known by name; anything else before the colon is a module of Python.
TORCHVISION, UNITSCOPE, TIMM, OPEN_CLIP, TRANSFORMERS = "torchvision", "unitscope", "timm", "open_clip", "transformers"
# Of other libraries: their version is a part of what a network is.
LIBRARIES = (TIMM, OPEN_CLIP, TRANSFORMERS)
NAMED = (TORCHVISION, UNITSCOPE, "zoo", *LIBRARIES)
NETWORK_FORMS = (
    "torchvision:NAME, timm:NAME, open_clip:NAME, transformers:NAME, unitscope:NAME, zoo:NAME or "
    "package.module:function"
)


def split_source(architecture: str) -> tuple[str, str]:
    """What stands before and after the first colon."""
    source, _, name = architecture.partition(":")
    return source, name


def name_module(architecture: str) -> str:
    """What stands before the colon of the network, also if it was cut or has an encoder: of a function, its module."""
    return split_source(_find_plain(architecture))[0]


def has_own_code(architecture: str) -> bool:
    """True for `package.module:function`: code that a person may edit while this process lives."""
    source, name = split_source(_find_plain(architecture))
    return bool(name) and source not in NAMED


def _find_plain(architecture: str) -> str:
    """The architecture that an encoder was added to, and before that cut."""
    return find_base(find_encoded(architecture))
