"""Where networks come from: one file each. A new source is one file, one line here, its name in source_names.py."""

from collections.abc import Callable

from workers.engine.networks.source_names import (
    NETWORK_FORMS,
    OPEN_CLIP,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    UNITSCOPE,
    split_source,
)
from workers.engine.networks.sources import (
    cut_networks,
    functions,
    open_clip_networks,
    own_networks,
    timm_networks,
    torchvision_networks,
    transformers_networks,
)
from workers.engine.networks.sources.built import ArchitectureNotFound, Built
from workers.engine.networks.sources.plain import make_plain
from workers.engine.networks.surgery_recipe import SURGERY

BUILDERS: dict[str, Callable[[str], Built]] = {
    TORCHVISION: torchvision_networks.build,
    UNITSCOPE: own_networks.build,
    TIMM: timm_networks.build,
    OPEN_CLIP: open_clip_networks.build,
    TRANSFORMERS: transformers_networks.build,
}


def build_architecture(architecture: str) -> Built:
    """The network by its name, in single precision and without wrappers. Raises ArchitectureNotFound."""
    source, name = split_source(architecture)
    if not name:
        raise ArchitectureNotFound(f"{architecture!r} is none of {NETWORK_FORMS}.")
    if architecture.startswith(SURGERY):
        return cut_networks.build(architecture, build_base=build_architecture)
    builder = BUILDERS.get(source)
    return make_plain(builder(name) if builder else functions.build(source, name))
