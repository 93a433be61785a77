"""Named places at which a process may die; tests make it die there, nothing else does."""

import os
import signal

from django.conf import settings

from annotator import env
from annotator.crowd.marketplaces.outcomes import OutcomeUnknown


class Crashed(Exception):
    """A test asked for an exception at a crash point."""


def reach(point: str, verb: str) -> None:
    """Dies here if UNITSCOPE_CRASH_AT is MANNER:POINT:VERB; deployed, never.

    `kill` is kill -9, `raise` an exception that nobody expects, `lose` a response that never arrived.
    """
    wanted = env.text("UNITSCOPE_CRASH_AT", "For tests: where a process dies, as MANNER:POINT:ACT.", default="")
    if not wanted or settings.DEPLOYED:
        return
    manner, wanted_point, wanted_verb = wanted.split(":", 2)
    if (wanted_point, wanted_verb) != (point, verb):
        return
    if manner == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if manner == "lose":
        raise OutcomeUnknown(f"A test lost the response of {verb}.")
    raise Crashed(f"{point} {verb}")
