"""A dissection goes on from an earlier one that measured the same of an earlier version of its image set: only what is
new is measured.
"""

from typing import Any

from annotator.units.models import Dissection
from workers import contract

# Options that change how a dissection is computed, and not its result.
HOW_IT_IS_DONE = ("shard_images", "spill", "memory_limit")
# `anew`: also what an earlier version of the image set has is measured; `grown_from`: the dissection that measured it.
ANEW, GROWN_FROM = "anew", "grown_from"
NOT_OF_RESULT = (*HOW_IT_IS_DONE, ANEW, GROWN_FROM)
# Two dissections whose other options are equal have equal shards.
NOT_OF_SHARDS = (*NOT_OF_RESULT, *contract.NOT_OF_SHARDS)

# Earlier dissections that are looked at.
MAX_EARLIER = 20


def note_earlier(dissection: Dissection) -> None:
    """Notes the newest dissection that asked the same of an earlier version of the image set."""
    options = {name: value for name, value in dissection.options.items() if name != GROWN_FROM}
    asked = dissection.image_set
    others = Dissection.objects.filter(
        state=Dissection.State.DONE,
        network=dissection.network,
        layer_paths=dissection.layer_paths,
        is_baseline=dissection.is_baseline,
        image_set__address=asked.address,
        image_set__labels=asked.labels,
    ).exclude(image_set=asked)
    alike = (one for one in others.order_by("-created_at")[:MAX_EARLIER] if _asks_the_same(one.options, options))
    if not options.get(ANEW) and (earlier := next(alike, None)):
        options[GROWN_FROM] = str(earlier.pk)
    dissection.options = options
    dissection.save(update_fields=["options"])


def _asks_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True if both measure the same and cut their shards alike."""
    left, right = (
        {name: value for name, value in given.items() if name not in NOT_OF_SHARDS or name == "shard_images"}
        for given in (one, other)
    )
    return left == right


def find_artifact(dissection: Dissection) -> str:
    """The address of the earlier dissection's artifact; empty if there is none, or none any more."""
    earlier = Dissection.objects.filter(pk=dissection.options.get(GROWN_FROM)).first()
    return earlier.artifact if earlier else ""
