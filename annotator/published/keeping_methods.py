"""The row of a method whose descriptions a file brings: one scale of scores, whichever command reads the file."""

from datetime import datetime

from annotator.descriptions.models import MAX_METHOD, MAX_SCORE_NAME, Method
from annotator.names import check_name
from annotator.refusals import Refusal


class OtherScale(Refusal):
    """The scores of the file cannot be kept under the method's name; the message says why."""


def keep_method(name: str, score_name: str, now: datetime) -> Method:
    """The method of that name, made if it is not here. `score_name`: empty for a file without scores.

    Raises NameRefused, OtherScale.
    """
    check_name(name[: MAX_METHOD + 1])
    if len(score_name) > MAX_SCORE_NAME:
        raise OtherScale(f"The name of a column of scores has at most {MAX_SCORE_NAME} characters: shorten it.")
    method, _ = Method.objects.get_or_create(name=name, defaults={"score_name": score_name, "created_at": now})
    if score_name and method.score_name != score_name:
        if method.score_name and method.descriptions.exists():
            raise OtherScale(
                f"The scores of {name} are {method.score_name!r} here and {score_name!r} in the file: two scales "
                "under one name. Give import_descriptions another name of the method (--method) or of the column of "
                "scores (--score-column)."
            )
        method.score_name = score_name
        method.save(update_fields=["score_name"])
    return method
