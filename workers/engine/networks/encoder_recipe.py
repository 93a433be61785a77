"""A sparse autoencoder's encoder on a layer, as an architecture's name. No torch: commands read and write it too.

`encoder:BASE@LAYER?activation=relu`: BASE is any architecture by name, LAYER the layer that the encoder was trained on.
Such a network has the layer LATENTS beside its own. docs/zoo.md, Latents of a sparse autoencoder.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode

from workers.engine.networks.axis_names import AXES, TOKENS_PATTERN

ENCODER = "encoder:"
# The layer of the latents: a module of the joined network.
LATENTS = "latents"
# Between the address of the network's weights, which may be empty, and that of the encoder's.
JOINT = " + "
MAX_NAME_LENGTH, MAX_LATENTS = 200, 1_000_000
ACTIVATIONS = "relu, jumprelu or topk-K"
# What a name states, in this order, each at most once.
OPTIONS = ("activation", "axes", "tokens", "decoder_bias")
SUBTRACTED, IGNORED = "subtracted", "ignored"


class EncoderInvalid(Exception):
    """The encoder cannot be used so; the message says what to change."""


@dataclass(frozen=True)
class EncoderRecipe:
    """`activation`: relu, jumprelu, topk-K, or empty for what the file tells. `decoder_bias`: SUBTRACTED from what the
    encoder gets, or IGNORED. `axes` and `tokens` say how the layer is read if that is not found by look.
    """

    base: str
    layer: str
    activation: str = ""
    decoder_bias: str = SUBTRACTED
    axes: str = ""
    tokens: str = ""

    def __post_init__(self) -> None:
        if self.base.startswith(ENCODER):
            raise EncoderInvalid("The network carries an encoder already; name the network without it.")
        if not self.layer:
            raise EncoderInvalid("Say with --layer which layer the encoder was trained on.")
        if self.activation not in ("", "relu", "jumprelu"):
            self._check_k()
        if self.decoder_bias not in (SUBTRACTED, IGNORED):
            raise EncoderInvalid(f"The decoder's bias is {SUBTRACTED} or {IGNORED}, not {self.decoder_bias!r}.")
        if self.axes not in ("", *AXES) or not re.fullmatch(f"({TOKENS_PATTERN})?", self.tokens):
            raise EncoderInvalid(f"{self.axes or self.tokens!r} says nothing of how the layer is read.")
        if len(self.name) > MAX_NAME_LENGTH:
            raise EncoderInvalid(f"The name {self.name} has more than {MAX_NAME_LENGTH} characters.")

    def _check_k(self) -> None:
        found = re.fullmatch(r"topk-([1-9]\d{0,6})", self.activation)
        if found is None or int(found[1]) > MAX_LATENTS:
            raise EncoderInvalid(f"The encoder's activation {self.activation!r} is none of {ACTIVATIONS}.")

    @property
    def k(self) -> int:
        """How many latents of a cell are not zero, if the activation keeps the largest; else 0."""
        return int(self.activation.removeprefix("topk-")) if self.activation.startswith("topk-") else 0

    @property
    def name(self) -> str:
        """The architecture; `parse` is the inverse."""
        kept = {"activation": self.activation, "axes": self.axes, "tokens": self.tokens}
        stated = {key: value for key, value in kept.items() if value}
        if self.decoder_bias != SUBTRACTED:
            stated["decoder_bias"] = self.decoder_bias
        return f"{ENCODER}{self.base}@{quote(self.layer, safe='/')}?{urlencode(stated)}"

    @classmethod
    def parse(cls, architecture: str) -> "EncoderRecipe":
        """Raises EncoderInvalid."""
        found = re.fullmatch(r"encoder:(.+)@([^@?]+)\?([^?@]*)", architecture)
        if found is None:
            raise EncoderInvalid(f"{architecture!r} is not of the form encoder:BASE@LAYER?activation=relu.")
        try:
            stated = dict(parse_qsl(found[3], strict_parsing=True)) if found[3] else {}
        except ValueError as error:
            raise EncoderInvalid(f"{architecture!r} cannot be read: {error}.") from None
        if unknown := next((key for key in stated if key not in OPTIONS), None):
            raise EncoderInvalid(f"{architecture!r} states {unknown!r}, which is none of {', '.join(OPTIONS)}.")
        recipe = cls(found[1], unquote(found[2]), **stated)
        if recipe.name != architecture:
            raise EncoderInvalid(f"{architecture!r} is written {recipe.name!r}.")
        return recipe


def join_addresses(weights: str, encoder: str) -> str:
    """The address that a network with an encoder is registered with. Raises EncoderInvalid."""
    if JOINT in encoder or JOINT in weights:
        raise EncoderInvalid(f"{JOINT.strip()!r} between spaces stands between two files: rename the file.")
    return f"{weights}{JOINT}{encoder}"


def split_addresses(joined: str) -> tuple[str, str]:
    """Of the network's weights, empty if they are random, and of the encoder. Raises EncoderInvalid."""
    weights, joint, encoder = joined.partition(JOINT)
    if not joint or not encoder:
        raise EncoderInvalid(
            "The file of the encoder is not named: dissect --network BASE --layer LAYER --encoder FILE."
        )
    return weights, encoder


def find_encoded(architecture: str) -> str:
    """The architecture that carries the encoder; any other one as it is; empty if it cannot be read."""
    try:
        return EncoderRecipe.parse(architecture).base if architecture.startswith(ENCODER) else architecture
    except EncoderInvalid:
        return ""
