"""Pure: our acts in Prolific's fields. A HIT is a study; its assignments are the study's places."""

import math
from urllib.parse import urlsplit

from django.utils.crypto import salted_hmac

from annotator.crowd.marketplaces.marketplace import (
    JSON,
    Act,
    Approve,
    Extend,
    Page,
    PayBonus,
    Prolong,
    Publish,
    Register,
    Reject,
    Stop,
)
from annotator.crowd.marketplaces.outcomes import CannotDo

# Prolific fills these in when a participant opens the study.
PARTICIPANT, STUDY, SUBMISSION = "PROLIFIC_PID", "STUDY_ID", "SESSION_ID"
PARAMETERS = "&".join(f"{name}={{{{%{name}%}}}}" for name in (PARTICIPANT, STUDY, SUBMISSION))
MIN_REJECTION = 100  # characters of the message to the participant
CODE_SALT = "unitscope.prolific.completion"


def translate(act: Act, *, key: str) -> JSON:
    match act:
        case Register():
            return {"key": key}
        case Publish():
            return {"study": _render_study(act, key=key)}
        case Extend():
            return {"study_id": act.hit_id, "total_available_places": act.target}
        case Stop():
            return {"study_id": act.hit_id}
        case Prolong():
            return {"study_id": act.hit_id, "until": act.until.isoformat()}
        case Approve():
            return {"submission_id": act.assignment_id}
        case Reject():
            return {"submission_id": act.assignment_id, "message": _lengthen(act.feedback)}
        case PayBonus():
            return {"submission_id": act.assignment_id, "amount": f"{act.amount_usd:.2f}"}
        case _:
            raise CannotDo(f"The marketplace prolific has no act {act.verb}.")


def make_completion_code(page_path: str) -> str:
    """What a participant hands to Prolific at the end of a study. It follows from the page's path and our secret."""
    return salted_hmac(CODE_SALT, page_path, algorithm="sha256").hexdigest()[:10].upper()


def make_page_path(public_id: object) -> str:
    return f"/hit/{public_id}/"


def _render_study(act: Publish, *, key: str) -> JSON:
    """Money is in cents, times are in minutes. `internal_name` is our key, by which the study is found again."""
    if act.kind is None or not isinstance(act.page, Page):
        raise CannotDo("The marketplace prolific shows pages of ours only.")
    kind, path = act.kind, urlsplit(act.page.url).path
    return {
        "name": kind.title,
        "internal_name": key,
        "description": kind.description,
        "external_study_url": f"{act.page.url}?{PARAMETERS}",
        "prolific_id_option": "url_parameters",
        "completion_codes": [
            {
                "code": make_completion_code(path),
                "code_type": "COMPLETED",
                "actor": "participant",
                "actions": [{"action": "MANUALLY_REVIEW"}],
            }
        ],
        "total_available_places": act.n_assignments,
        "reward": int(kind.reward_usd * 100),
        "estimated_completion_time": max(1, math.ceil(kind.expected_seconds / 60)),
        "maximum_allowed_time": max(2, math.ceil(kind.assignment_seconds / 60)),
        "device_compatibility": ["desktop", "tablet", "mobile"],
        "peripheral_requirements": [],
        "filters": _render_filters(kind),
    }


def _render_filters(kind: Register) -> list[JSON]:
    """Prolific's own screening: what share of a participant's submissions was approved, and how many."""
    filters: list[JSON] = []
    if percent := kind.requirements.get("min_approval_percent"):
        filters.append({"filter_id": "approval_rate", "selected_range": {"lower": int(percent), "upper": 100}})
    if least := kind.requirements.get("min_approved"):
        filters.append({"filter_id": "approval_numbers", "selected_range": {"lower": int(least), "upper": 100_000}})
    return filters


def _lengthen(feedback: str) -> str:
    """Prolific takes no rejection with a shorter message."""
    more = " Please write to us through Prolific's messages if you think that this decision is wrong; we look again."
    return feedback if len(feedback) >= MIN_REJECTION else f"{feedback}{more}"
