"""What a dissection needs in memory, disk and time, in words: of what its survey found before the pass."""

from collections.abc import Mapping
from typing import Any

# From here on in minutes, and in hours.
SHOWN_SECONDS, SHOWN_MINUTES = 120, 120


def tell_needs(survey: Mapping[str, Any]) -> str:
    """One paragraph of a survey's `memory`, and its `seconds_of_pass` if they were estimated; empty for a survey of an
    earlier version.

    `memory`: by stage the fields of estimate_memory.MemoryEstimate, and `spills`.
    """
    stages = {stage: need for stage, need in survey["memory"].items() if "spilled" in need}
    if not stages:
        return ""
    needs = "; ".join(f"{stage}: at most {_tell_stage(need)}" for stage, need in stages.items())
    stored = tell_bytes(sum(need["stored"] for need in stages.values()))
    return f"Beside the network, {needs}. Results and shards: about {stored}.{_tell_pass(survey)}"


def tell_bytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"


def tell_seconds(seconds: float) -> str:
    if seconds < SHOWN_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < SHOWN_MINUTES else f"{minutes / 60:,.1f} h"


def _tell_pass(survey: Mapping[str, Any]) -> str:
    """Empty for a set that is too small to be worth an estimate."""
    seconds = survey.get("seconds_of_pass")
    if not seconds:
        return ""
    told = tell_seconds(seconds)
    return f" The pass: about {told} in one process, estimated from one batch; labels and crops come after it."


def _tell_stage(need: Mapping[str, int]) -> str:
    if need["spills"]:
        return f"{tell_bytes(need['spilled'])} of memory and {tell_bytes(need['files_spilled'])} of temporary files"
    return f"{tell_bytes(need['in_memory'])} of memory"
