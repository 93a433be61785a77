"""Twenty who spend for one campaign at once, ten times each, when its cap is enough for half of it."""

from collections.abc import Callable

from tools.drills._tests import run_test

TEST = "tests/annotator/crowd/outbox/test_spenders.py"
N_SPENDERS, N_EACH = 20, 10


def spend_at_once() -> str:
    run_test(TEST, UNITSCOPE_SPENDERS=N_SPENDERS, UNITSCOPE_SPENDS=N_EACH)
    return (
        f"{N_SPENDERS} spenders asked for {N_SPENDERS * N_EACH} assignments under a cap for half of them: exactly that "
        "half was reserved, sent and held by the marketplace; each of the others was told that the cap is reached."
    )


DRILLS: dict[str, Callable[[], str]] = {"cap-under-spenders": spend_at_once}
