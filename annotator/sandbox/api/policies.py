"""Review policies as a requester may write them."""

from typing import Any

from annotator.sandbox.questions import policies
from annotator.sandbox.rules.refusals import Code, Refused

_BY_LEVEL = {"Assignment": policies.KNOWN_ANSWERS, "HIT": policies.PLURALITY}


def check(policy: dict[str, Any] | None, *, level: str) -> dict[str, Any] | None:
    """The policy as it is stored. Raises Refused if it could not be carried out."""
    if policy is None:
        return None
    if policy["PolicyName"] != _BY_LEVEL[level]:
        raise Refused(
            Code.PARAMETER_VALIDATION_ERROR,
            f"The review policy for a {level} is {_BY_LEVEL[level]}, not {policy['PolicyName'][:80]!r}.",
        )
    if level == "HIT":
        policies.read_plurality(policy)
    else:
        policies.read_known_answers(policy)
    return policy
