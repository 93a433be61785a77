"""How a story of the state machine may begin: on a fresh marketplace, or where its rules meet."""

from typing import Any

from tests.annotator.sandbox.stage import DAY, PEOPLE, TOKEN_LIFE

NEW_HIT: dict[str, Any] = {
    "cents": 50, "size": 1, "life": 90_000, "duration": 700, "delay": 300, "token": "", "is_lost": False, "after": 0,
}  # fmt: skip

# Acts that bring a story to where rules meet; by chance alone few stories would come there.
Opening = tuple[tuple[str, dict[str, Any]], ...]
WORK: Opening = (("accept", {"index": 0, "name": PEOPLE[0]}), ("submit", {"index": 0, "after": 0}))
REJECTED: Opening = (*WORK, ("reject", {"index": 0}))
OPENINGS: dict[str, Opening] = {
    "two fresh HITs": (),
    "all work submitted": WORK,
    "approval at once": (
        ("create", NEW_HIT | {"delay": 0}), ("accept", {"index": 2, "name": PEOPLE[0]}),
        ("submit", {"index": 0, "after": 0}),
    ),
    "a deletion while work waits": (*WORK, ("delete", {"index": 0})),
    "all work submitted, one HIT expired": (*WORK, ("move_expiration", {"index": 1, "seconds": 0})),
    "a rejection": REJECTED,
    "a rejection, 30 days old": (*REJECTED, ("wait", {"seconds": 30 * DAY})),
    "a rejection turned over too late": (*REJECTED, ("approve", {"index": 0, "override": True, "after": 30 * DAY + 1})),
    "a rejection turned over on a deleted HIT": (
        *REJECTED, ("delete", {"index": 0}), ("approve", {"index": 0, "override": True, "after": 0}),
    ),
    "expired in time and again later": (
        ("move_expiration", {"index": 0, "seconds": -1000}), ("wait", {"seconds": 100_000}),
        ("move_expiration", {"index": 0, "seconds": -1000}), ("wait", {"seconds": 119 * DAY}),
    ),
    "expired almost 120 days ago": (("wait", {"seconds": 90_000 + 110 * DAY}),),
    "all but one place taken": tuple(("accept", {"index": 1, "name": name}) for name in PEOPLE[:2]),
    "a token used three times": (
        ("create", NEW_HIT | {"token": "one"}), ("create", NEW_HIT | {"token": "one", "after": TOKEN_LIFE - 1}),
        ("create", NEW_HIT | {"token": "one", "after": 1}),
    ),
    "nine places, and a tenth asked for": (
        ("create", NEW_HIT | {"size": 9}), ("extend", {"index": 2, "more": 1}),
    ),
    "more than the balance": tuple(("create", NEW_HIT | {"size": 10, "cents": 120}) for _ in range(3)),
    "ten places": (("create", NEW_HIT | {"size": 10}), ("accept", {"index": 2, "name": PEOPLE[0]})),
}  # fmt: skip
