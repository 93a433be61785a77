"""How tensors of a checkpoint go with a network: which keys are missing, left over or of another shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.engine.networks.checkpoints import Tensors

# What stands after a network's last layer of features, or beside it in training.
HEADS = (
    "fc", "classifier", "head", "heads", "head_dist", "linear", "last_linear", "AuxLogits", "aux1", "aux2",
    "n_averaged", "projector", "projection_head", "projection", "proj_head", "contrast_head", "predictor", "prototypes",
    "queue", "queue_ptr", "mlp_head", "logit_scale", "criterion", "loss", "loss_fn", "arcface", "mask_token",
    "masked_embed",
    "decoder", "decoder_embed", "decoder_pos_embed", "decoder_blocks", "decoder_norm", "decoder_pred",
    "aux_classifier", "decode_head", "auxiliary_head", "rpn", "roi_heads",
)  # fmt: skip
# Counters that profilers leave beside each module.
COUNTERS = ("total_ops", "total_params", "num_batches_tracked")
# So many keys of each fault are named.
N_NAMED = 4


@dataclass(frozen=True)
class Fit:
    """The tensors of one group with a prefix taken off, and the keys that do not go with the module."""

    place: str
    prefix: str
    tensors: Tensors
    added: str = ""
    unwrapped: tuple[str, ...] = ()
    spelled: str = ""
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)
    miscast: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Keys of the module for which the file has no tensor that can be copied."""
        return [*self.missing, *self.misshapen, *self.miscast]

    def fits(self, spared: Sequence[str]) -> bool:
        """True if all is there but keys of heads that no layer needs, and nothing is left over but heads."""
        is_head = {key.partition(".")[0] for key in self.wrong} <= set(spared)
        return is_head and not self.strange

    @property
    def strange(self) -> list[str]:
        """Keys that the module lacks and that belong to no head: the file is of another network."""
        return [
            key for key in self.unexpected
            if key.partition(".")[0] not in HEADS and not key.endswith(COUNTERS) and self.tensors[key].numel() > 1
        ]  # fmt: skip

    def describe(self) -> str:
        """Where the tensors were found, in words."""
        words = []
        if self.place:
            words.append(f"under {self.place!r}")
        if self.prefix:
            words.append(f"with the prefix {self.prefix!r}")
        if self.added:
            words.append(f"as those of {self.added.rstrip('.')!r}")
        if self.spelled:
            words.append(self.spelled)
        if self.unwrapped:
            words.append(f"without {' and '.join(self.unwrapped)} in their names")
        return " ".join(words)


def name_some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:N_NAMED]) + (f" and {len(keys) - N_NAMED} more" if len(keys) > N_NAMED else "")
