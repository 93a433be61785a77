"""A stand-in for Prolific's API: the documented endpoints that the adapter calls, which refuse what the real ones do.

Facts are from https://docs.prolific.com/api-reference, read in November 2026: paths, fields, states, the transition of
a submission that ignores repeats, and the payment of bonuses that does not. It pays nobody.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = dict[str, Any]
TOKEN = "a token of the stand-in"
MIN_HOURLY_CENTS = 800
REQUIRED = {
    "name", "description", "external_study_url", "prolific_id_option", "completion_codes", "total_available_places",
    "estimated_completion_time", "reward",
}  # fmt: skip
CATEGORIES = {
    "TOO_QUICKLY", "TOO_SLOWLY", "FAILED_INSTRUCTIONS", "INCOMP_LONGITUDINAL", "FAILED_CHECK", "LOW_EFFORT",
    "MALINGERING", "NO_CODE", "BAD_CODE", "NO_DATA", "UNSUPP_DEVICE", "OTHER",
}  # fmt: skip
TAKES_A_PLACE = {"RESERVED", "ACTIVE", "AWAITING REVIEW", "APPROVED"}


class StubRefused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass
class Books:
    """What the stand-in knows. `lose`: paths whose next answer is lost after the act was done; `fail`: before it."""

    studies: dict[str, JSON] = field(default_factory=dict)
    submissions: dict[str, JSON] = field(default_factory=dict)
    bonuses: dict[str, JSON] = field(default_factory=dict)
    # (submission, cents) of each payment that was carried out, repeats included.
    paid: list[tuple[str, int]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)
    throttle: list[str] = field(default_factory=list)
    currency: str = "USD"
    balance_cents: int = 1_000_000
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, study_id: str, participant_id: str) -> str | None:
        """A participant takes a place; the address that Prolific opens for them. None if there is no place for them."""
        with self.lock:
            study = self.studies[study_id]
            rows = [row for row in self.submissions.values() if row["study_id"] == study_id]
            taken = sum(row["status"] in TAKES_A_PLACE for row in rows)
            was_here = any(row["participant_id"] == participant_id for row in rows)
            if study["status"] != "ACTIVE" or was_here or taken >= study["total_available_places"]:
                return None
            submission_id = make_id()
            self.submissions[submission_id] = {
                "id": submission_id, "study_id": study_id, "participant_id": participant_id,
                "participant": participant_id, "status": "ACTIVE", "started_at": _now(), "completed_at": None,
                "study_code": None, "entered_code": None, "bonus_payments": [],
            }  # fmt: skip
        values = {"PROLIFIC_PID": participant_id, "STUDY_ID": study_id, "SESSION_ID": submission_id}
        return re.sub(r"\{\{%(\w+)%\}\}", lambda found: values[found[1]], str(study["external_study_url"]))

    def complete(self, submission_id: str, code: str) -> bool:
        """The participant comes back with a code. False if it is not one of the study's."""
        with self.lock:
            row = self.submissions[submission_id]
            known = {one["code"] for one in self.studies[row["study_id"]]["completion_codes"]}
            if row["status"] == "ACTIVE":
                row |= {"status": "AWAITING REVIEW", "completed_at": _now(), "study_code": code, "entered_code": code}
            return code in known

    def find_open(self) -> list[str]:
        return [study_id for study_id, study in self.studies.items() if study["status"] == "ACTIVE"]


def make_id() -> str:
    """Ids begin with the time, as the real ones do."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def create_study(books: Books, body: JSON) -> JSON:
    if missing := REQUIRED - body.keys():
        raise StubRefused(400, f"These fields are required: {', '.join(sorted(missing))}.")
    if not str(body["external_study_url"]).startswith(("http://", "https://")):
        raise StubRefused(400, "Enter a valid URL.")
    if body["total_available_places"] < 1 or body["reward"] < 1:
        raise StubRefused(400, "Ensure this value is greater than or equal to 1.")
    if body["reward"] * 60 < MIN_HOURLY_CENTS * body["estimated_completion_time"]:
        raise StubRefused(400, "The reward is below the minimum of $8.00 per hour.")
    codes = [one["code"] for one in body["completion_codes"]]
    if not codes or len(codes) != len(set(codes)):
        raise StubRefused(400, "Specify at least one completion code; each must be unique.")
    study_id = make_id()
    study = {**body, "id": study_id, "status": "UNPUBLISHED", "presentment_currency_code": books.currency}
    books.studies[study_id] = study
    return study


def publish_study(books: Books, study: JSON, body: JSON) -> JSON:
    action, status = body.get("action"), study["status"]
    if action == "PUBLISH" and status == "UNPUBLISHED":
        cost = study["reward"] * study["total_available_places"]
        if cost > books.balance_cents:
            raise StubRefused(400, "You don't have enough balance to publish this study.")
        books.balance_cents -= cost
        study["status"] = "ACTIVE"
    elif action == "STOP" and status in ("ACTIVE", "PAUSED"):
        study["status"] = "AWAITING REVIEW"
    else:
        raise StubRefused(400, f"The action {action} is not possible when the study is {status}.")
    return study


def change_study(books: Books, study: JSON, body: JSON) -> JSON:
    if set(body) - {"total_available_places", "internal_name"} and study["status"] != "UNPUBLISHED":
        raise StubRefused(400, "These fields cannot be changed after the study was published.")
    places = body.get("total_available_places", study["total_available_places"])
    if places < study["total_available_places"]:
        raise StubRefused(400, "You can only increase the number of places.")
    study |= body
    return study


def review(books: Books, row: JSON, body: JSON) -> JSON:
    """Idempotent, as documented: the same decision again changes nothing, and another one is refused."""
    ends_as = {"APPROVE": "APPROVED", "REJECT": "REJECTED"}.get(str(body.get("action")))
    if ends_as is None:
        raise StubRefused(400, "Unknown action.")
    if ends_as == "REJECTED":
        if len(body.get("message", "")) < 100:
            raise StubRefused(400, "The message must have at least 100 characters.")
        if body.get("rejection_category") not in CATEGORIES:
            raise StubRefused(400, "rejection_category is not a valid choice.")
    if row["status"] == ends_as:
        return row
    if row["status"] != "AWAITING REVIEW":
        raise StubRefused(400, f"A submission that is {row['status']} cannot be {ends_as}.")
    row["status"] = ends_as
    return row


def set_up_bonus(books: Books, body: JSON) -> JSON:
    lines = [line.split(",") for line in str(body.get("csv_bonuses", "")).split()]
    known = {row["id"] for row in books.submissions.values() if row["study_id"] == body.get("study_id")}
    if not lines or (wrong := [one[0] for one in lines if len(one) != 2 or one[0] not in known]):
        raise StubRefused(400, f"These ids have not taken part in the study: {', '.join(wrong) if lines else 'none'}.")
    bonus_id = make_id()
    cents = [(submission_id, round(float(amount) * 100)) for submission_id, amount in lines]
    books.bonuses[bonus_id] = {"id": bonus_id, "study": body["study_id"], "payments": cents}
    return {"id": bonus_id, "study": body["study_id"], "amount": sum(one for _, one in cents)}


def pay_bonus(books: Books, bonus_id: str) -> JSON:
    """Not idempotent: each request pays."""
    if bonus_id not in books.bonuses:
        raise StubRefused(404, "Not found.")
    cost = sum(cents for _, cents in books.bonuses[bonus_id]["payments"])
    if cost > books.balance_cents:
        raise StubRefused(400, "You don't have enough balance to pay these bonuses.")
    books.balance_cents -= cost
    for submission_id, cents in books.bonuses[bonus_id]["payments"]:
        books.paid.append((submission_id, cents))
        books.submissions[submission_id]["bonus_payments"].append(cents)
    return {}


def _list(rows: list[JSON], query: Mapping[str, list[str]]) -> JSON:
    size, number = int(query.get("page_size", ["20"])[0]), int(query.get("page", ["1"])[0])
    return {"results": rows[(number - 1) * size : number * size]}


def answer(books: Books, method: str, path: str, query: Mapping[str, list[str]], body: JSON) -> JSON:
    parts = path.strip("/").split("/")
    match method, parts:
        case "POST", ["studies"]:
            return create_study(books, body)
        case "GET", ["studies"]:
            kept = ("id", "name", "internal_name", "status", "total_available_places")
            return _list([{name: row.get(name) for name in kept} for row in books.studies.values()], query)
        case "POST", ["submissions", "bonus-payments"]:
            return set_up_bonus(books, body)
        case "POST", ["bulk-bonus-payments", bonus_id, "pay"]:
            return pay_bonus(books, bonus_id)
    if len(parts) < 2 or parts[0] not in ("studies", "submissions"):
        raise StubRefused(404, "Not found.")
    table = books.studies if parts[0] == "studies" else books.submissions
    if parts[1] not in table:
        raise StubRefused(404, "Not found.")
    return _answer_one(books, method, parts, query, body)


def _answer_one(books: Books, method: str, parts: list[str], query: Mapping[str, list[str]], body: JSON) -> JSON:
    match method, parts:
        case "GET", ["studies", study_id, "submissions"]:
            return _list([row for row in books.submissions.values() if row["study_id"] == study_id], query)
        case "POST", ["studies", study_id, "transition"]:
            return publish_study(books, books.studies[study_id], body)
        case "PATCH", ["studies", study_id]:
            return change_study(books, books.studies[study_id], body)
        case "GET", ["studies", study_id]:
            return books.studies[study_id]
        case "POST", ["submissions", submission_id, "transition"]:
            return review(books, books.submissions[submission_id], body)
        case "GET", ["submissions", submission_id]:
            return books.submissions[submission_id]
    raise StubRefused(405, "Method not allowed.")


def _make_handler(books: Books) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            address = urlsplit(self.path)
            path = address.path.removeprefix("/api/v1/")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with books.lock:
                books.calls.append((self.command, path))
                try:
                    status, value = 200, self._answer(path, address.query, body)
                except StubRefused as refusal:
                    status, value = refusal.status, {"error": {"title": "Refused", "detail": str(refusal)}}
                is_lost = status == 200 and _takes(books.lose, path)
            if is_lost:
                self.close_connection = True
                return
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self, path: str, query: str, body: bytes) -> JSON:
            if self.headers.get("Authorization") != f"Token {TOKEN}":
                raise StubRefused(401, "Invalid token.")
            if _takes(books.throttle, path):
                raise StubRefused(429, "Too many requests.")
            return answer(books, self.command, path, parse_qs(query), json.loads(body or b"{}"))

        do_GET = do_POST = do_PATCH = _serve

    return Handler


def _takes(wanted: list[str], path: str) -> bool:
    """True once for each pattern in the list."""
    found = next((pattern for pattern in wanted if re.search(pattern, path)), None)
    if found is not None:
        wanted.remove(found)
    return found is not None


@contextmanager
def serve(books: Books) -> Iterator[str]:
    """The stand-in on a port of its own; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(books))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
