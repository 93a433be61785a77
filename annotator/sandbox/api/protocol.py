"""POST /: one call of AWS JSON 1.1 in, one JSON object out."""

import json
import logging
import socket
import time
import uuid
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from annotator.sandbox import switchboard
from annotator.sandbox.acts import settling
from annotator.sandbox.api import limits, shapes, signatures, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.api.operations.table import ADDED, OPERATIONS
from annotator.sandbox.models import Requester
from annotator.sandbox.rules.refusals import Malformed, Refused
from annotator.sandbox.switchboard import Switchboard

SERVED = OPERATIONS | ADDED
CONTENT_TYPE = "application/x-amz-json-1.1"
log = logging.getLogger(__name__)


class CannotCut(Exception):
    """The server does not give its socket to the application; gunicorn does."""


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def answer_call(request: HttpRequest) -> HttpResponse:
    """Every response is JSON, except that a browser is redirected to the worker site."""
    if request.method != "POST":
        return redirect("sandbox-list")
    request_id = str(uuid.uuid4())
    try:
        response = _answer(request, request_id)
    except Malformed as error:
        response = _respond({"__type": error.kind, "message": error.message}, status=error.status)
    except Refused as error:
        response = _respond(_refusal(error), status=400)
    except OperationalError:
        # A deadlock: two acts wanted the same rows in opposite order; nothing was done.
        log.warning("The database could not serve a call.", exc_info=True)
        response = _respond(_fault("The service is busy; try again."), status=500)
    response["x-amzn-RequestId"] = request_id
    return response


def _answer(request: HttpRequest, request_id: str) -> HttpResponse:
    board = switchboard.read()
    body = _read_body(request)
    requester = signatures.authenticate(request, body=body, now=switchboard.machine_now())
    operation = _read_target(request)
    if board.latency_seconds:
        time.sleep(board.latency_seconds)
    lot = switchboard.draw(board)
    if lot.is_throttled:
        return _respond({"__type": "ThrottlingException", "message": "Rate exceeded"}, status=400)
    if lot.is_fault:
        return _respond(_fault("The service is temporarily unable to process your request."), status=500)
    output = perform(operation, body, requester=requester, request_id=request_id, board=board)
    if lot.is_lost:
        _cut_connection(request)
    return _respond(output, status=200)


def perform(
    operation: str, body: bytes, *, requester: Requester, request_id: str, board: Switchboard
) -> dict[str, Any]:
    """Runs one operation in a transaction and returns its output as JSON members. Raises Malformed or Refused."""
    values = shapes.read_input(operation, body)
    limits.check(values)
    now = board.now()
    settling.settle_due(now=now)
    with transaction.atomic():
        output = SERVED[operation](Call(operation, requester, values, request_id, now, board))
    members: dict[str, Any] = wire.to_json(output)
    return members


def _cut_connection(request: HttpRequest) -> None:
    """A lost response: closes the client's socket; what is written afterwards is discarded. Raises CannotCut."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        raise CannotCut("Lost responses need gunicorn, which puts its socket into the request.")
    connection.shutdown(socket.SHUT_RDWR)


def _read_body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise Malformed("RequestEntityTooLargeException", "The request is too large.", status=413) from None


def _read_target(request: HttpRequest) -> str:
    prefix, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    if prefix != shapes.TARGET_PREFIX or operation not in SERVED:
        raise Malformed("UnknownOperationException", "X-Amz-Target names no operation of this service.")
    return operation


def _refusal(error: Refused) -> dict[str, Any]:
    return {
        "__type": "RequestError",
        "Message": error.message,
        "TurkErrorCode": f"AWS.MechanicalTurk.{error.code}",
    }


def _fault(message: str) -> dict[str, Any]:
    return {"__type": "ServiceFault", "Message": message, "TurkErrorCode": "AWS.MechanicalTurk.ServiceUnavailable"}


def _respond(members: dict[str, Any], *, status: int) -> HttpResponse:
    return HttpResponse(json.dumps(members), status=status, content_type=CONTENT_TYPE)
