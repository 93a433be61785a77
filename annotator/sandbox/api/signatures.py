"""Signature Version 4, checked with botocore's own signer: a call with another signature is refused."""

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from django.http import HttpRequest

from annotator.program import name_command
from annotator.sandbox.models import Requester
from annotator.sandbox.rules.refusals import Malformed

SERVICE = "mturk-requester"
MAX_SKEW = dt.timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,40})/"
    r"(?P<service>[a-z0-9-]{1,40})/aws4_request\s*,\s*SignedHeaders=(?P<headers>[a-z0-9;-]{1,2000})\s*,\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})\s*\Z"
)
_REAL_AWS_KEY = re.compile(r"A(KIA|SIA)[A-Z0-9]{12,}")


@dataclass(frozen=True)
class Claim:
    """What the Authorization header says."""

    key: str
    date: str
    region: str
    headers: tuple[str, ...]
    signature: str


class _Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer, restricted to the headers that the client signed."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def _bad_signature(message: str) -> Malformed:
    return Malformed("InvalidSignatureException", message)


def authenticate(request: HttpRequest, *, body: bytes, now: dt.datetime) -> Requester:
    """The requester whose key signed this request. Raises Malformed with AWS's own messages and types."""
    claim = read_claim(request)
    stamp = _read_date(request, claim, now=now)
    if _REAL_AWS_KEY.fullmatch(claim.key):
        raise Malformed(
            "UnrecognizedClientException",
            f"This is a sandbox and takes no AWS key; make one with `{name_command('sandbox_account NAME')}`.",
        )
    requester = Requester.objects.filter(access_key_id=claim.key).first()
    if requester is None or "HTTP_X_AMZ_SECURITY_TOKEN" in request.META:
        raise Malformed("UnrecognizedClientException", "The security token included in the request is invalid.")
    expected = sign(request, claim, secret=requester.secret_access_key, stamp=stamp, body=body)
    if not hmac.compare_digest(expected, claim.signature):
        raise _bad_signature(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    return requester


def read_claim(request: HttpRequest) -> Claim:
    text = request.META.get("HTTP_AUTHORIZATION", "")
    if not text:
        raise Malformed("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.match(text)
    if match is None:
        raise Malformed(
            "IncompleteSignatureException", "The Authorization header is not one of AWS Signature Version 4."
        )
    if match["service"] != SERVICE:
        raise _bad_signature(f"Credential should be scoped to correct service: '{SERVICE}'.")
    headers = tuple(match["headers"].split(";"))
    if "host" not in headers or "x-amz-date" not in headers:
        raise _bad_signature("'Host' and 'X-Amz-Date' must be signed headers of the AWS signature.")
    return Claim(match["key"], match["date"], match["region"], headers, match["signature"])


def sign(request: HttpRequest, claim: Claim, *, secret: str, stamp: str, body: bytes) -> str:
    """The expected signature of this request, computed by botocore."""
    headers = {name: request.headers[name] for name in claim.headers if name in request.headers}
    if len(headers) != len(claim.headers):
        missing = ", ".join(name for name in claim.headers if name not in headers)
        raise _bad_signature(f"Signed headers are missing from the request: {missing}.")
    _check_content_hash(request, body=body)
    copy = AWSRequest(
        method=request.method, url=f"http://{request.headers['Host']}{request.get_full_path()}", headers=headers,
        data=body,
    )  # fmt: skip
    copy.context["timestamp"] = stamp
    signer = _Signer(Credentials(claim.key, secret), SERVICE, claim.region)
    return str(signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy))


def _check_content_hash(request: HttpRequest, *, body: bytes) -> None:
    """A hash that the client states is part of its signature, so it must be the hash of the body."""
    stated = request.headers.get("X-Amz-Content-SHA256")
    if stated is not None and stated != hashlib.sha256(body).hexdigest():
        raise _bad_signature("X-Amz-Content-SHA256 is not the hash of the body.")


def _read_date(request: HttpRequest, claim: Claim, *, now: dt.datetime) -> str:
    stamp = request.headers.get("X-Amz-Date", "")
    try:
        signed_at = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise Malformed("IncompleteSignatureException", "X-Amz-Date must be like 20170117T000000Z.") from None
    if not stamp.startswith(claim.date):
        raise _bad_signature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.")
    if signed_at < now - MAX_SKEW:
        raise _bad_signature(f"Signature expired: {stamp} is now earlier than {_edge(now, -1)}.")
    if signed_at > now + MAX_SKEW:
        raise _bad_signature(f"Signature not yet current: {stamp} is still later than {_edge(now, 1)}.")
    return stamp


def _edge(now: dt.datetime, sign: int) -> str:
    return (now + sign * MAX_SKEW).strftime("%Y%m%dT%H%M%SZ")
