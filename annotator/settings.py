"""The one settings module: every value comes from the environment, bad values are refused in words."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.log import CallbackFilter

from annotator import embedded, env
from annotator.dashboard.frame.appearance import UNFOLD as UNFOLD
from annotator.languages import find_languages
from workers.config import VALKEY_OPTIONS, BadValue, check_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = embedded.data_folder()
SITE = env.choice(
    "UNITSCOPE_SITE", "Which site this process serves: web or sandbox.", among=("web", "sandbox"), default="web"
)
DEPLOYED = env.flag(
    "UNITSCOPE_DEPLOYED", "1 on a server: every secret and address must be given; 0 in a checkout on one's own machine."
)
DEBUG = False


def _local_secret(name: str, meaning: str) -> str:
    """A secret that this checkout makes for itself once and keeps; deployed, it must be given."""
    if os.environ.get(name) or DEPLOYED:
        given = env.text(name, meaning)
        return env.strong_secret(name, given) if DEPLOYED else given
    kept = VAR / "secrets" / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        fresh = kept.with_name(f".{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, kept)  # the first process wins; the others read what it wrote
        fresh.unlink()
    return kept.read_text()


SECRET_KEY = _local_secret(
    "SECRET_KEY", "Random, at least 50 characters: signs sessions and links. A checkout makes its own."
)
PSEUDONYM_KEY = _local_secret(
    "PSEUDONYM_KEY",
    "Random, at least 50 characters: keys the pseudonyms of workers and must never change. A checkout makes its own.",
)

# Addresses. Cookies ignore ports, so locally the sandbox is 127.0.0.1 and the web is localhost.
WEB_PORT = env.port("WEB_PORT", "The port that the dashboard listens on in a checkout.", default=8000)
SANDBOX_PORT = env.port("SANDBOX_PORT", "The port that the sandbox listens on in a checkout.", default=8001)
WEB_URL = env.url(
    "WEB_URL",
    "The public address of the dashboard, with https and without a path.",
    default=f"http://localhost:{WEB_PORT}",
)
HIT_PAGES_URL = env.url("HIT_PAGES_URL", "The public address of the HIT pages.", default=None if DEPLOYED else WEB_URL)
SANDBOX_URL = env.url(
    "SANDBOX_URL",
    "The public address of the sandbox; its host name is another one, as cookies ignore ports.",
    default=None if DEPLOYED else f"http://127.0.0.1:{SANDBOX_PORT}",
)
SANDBOX_CONTENT_URL = env.url(
    "SANDBOX_CONTENT_URL",
    "The public address of requesters' HTML at the sandbox, under a host name of its own, so that it has storage and "
    "cookies; best below the host name of SANDBOX_URL, since browsers block the storage of frames of other sites. The "
    "server of SANDBOX_URL answers it. Empty: such HTML works without storage and cookies.",
    default="" if DEPLOYED else f"http://content.localhost:{SANDBOX_PORT}",
)
_hosts = [urlsplit(url).hostname or "" for url in (WEB_URL, HIT_PAGES_URL, SANDBOX_URL)]
if _hosts[2] in _hosts[:2] or (DEPLOYED and len(set(_hosts)) < 3):
    raise env.BadSetting("WEB_URL, HIT_PAGES_URL and SANDBOX_URL must have separate host names: cookies ignore ports.")
_content_host = urlsplit(SANDBOX_CONTENT_URL).hostname
if _content_host in _hosts:
    raise env.BadSetting("SANDBOX_CONTENT_URL must have a host name of its own: its pages are written by requesters.")
for _name, _url in (
    ("WEB_URL", WEB_URL), ("HIT_PAGES_URL", HIT_PAGES_URL), ("SANDBOX_URL", SANDBOX_URL),
    ("SANDBOX_CONTENT_URL", SANDBOX_CONTENT_URL),
):  # fmt: skip
    if DEPLOYED and _url and not _url.startswith("https://"):
        raise env.BadSetting(f"{_name} must begin with https:// on a server, not {_url!r}: passwords travel over it.")
_extra_hosts = env.names(
    "EXTRA_HOSTS", "More host names that are answered, separated by commas. Patterns such as * are refused on a server."
)
if DEPLOYED and any("*" in host or host.startswith(".") for host in _extra_hosts):
    raise env.BadSetting("EXTRA_HOSTS must name each host on a server: a pattern such as * would answer to any name.")
_sandbox_hosts = [_hosts[2], _content_host] if _content_host else [_hosts[2]]
_own_hosts = {f"[{host}]" if ":" in host else host for host in (_sandbox_hosts if SITE == "sandbox" else _hosts[:2])}
ALLOWED_HOSTS = sorted(_own_hosts) + _extra_hosts
TRUSTED_PROXIES = env.networks(
    "TRUSTED_PROXIES",
    "Addresses or networks of the proxies before this server, separated by commas. What they write into "
    "X-Forwarded-For is believed; nobody else is.",
)
CSRF_TRUSTED_ORIGINS = [SANDBOX_URL] if SITE == "sandbox" else [WEB_URL]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "pgtrigger",
    "ninja",  # its documentation's scripts come from the package, not from elsewhere
    "annotator.accounts",
    "annotator.units",
    "annotator.descriptions",
    "annotator.notes",
    "annotator.crowd",
    "annotator.labels",
    "annotator.evidence",
    "annotator.readouts",
    "annotator.comparison",
    "annotator.studies",
    "annotator.figures",
    "annotator.published",
    "annotator.work",
    "annotator.dashboard",
    "annotator.demo",
    "annotator.sandbox",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "annotator.content_policy.SetContentPolicy",
    "annotator.sandbox.frames.hosts.SeparateContent",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "annotator.languages.SpeakLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "annotator.body_limits.LimitBodies",
    "annotator.nul_characters.RefuseNul",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "annotator.sandbox.urls" if SITE == "sandbox" else "annotator.urls"
WSGI_APPLICATION = "annotator.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        # A template of our own lies beside its view, and its name is its path below annotator/.
        "DIRS": [BASE_DIR / "annotator", BASE_DIR / "hit_templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["annotator.written"],
        },
    }
]
# Also in databases that are made without migrations: those of tests and benchmarks.
PGTRIGGER_INSTALL_ON_MIGRATE = True
_database = env.database("DATABASE_URL", "The PostgreSQL database, as postgresql://; a checkout starts its own.")
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.valkey("REDIS_URL", "The Valkey or Redis that carries the queues; a checkout starts its own.")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "unitscope",
        "OPTIONS": {
            **VALKEY_OPTIONS,
            # Not pickle: whoever can write to Valkey must not be able to run code here.
            "serializer": "django.core.signing.JSONSerializer",
        },
    }
}
ARTIFACT_ROOT = env.store(
    "ARTIFACT_ROOT",
    "Where crops and measures are kept: file:///folder shared by all processes, or s3://bucket/prefix; the usual "
    "AWS_... variables and AWS_ENDPOINT_URL_S3 say how S3 is reached.",
    default=None if DEPLOYED else f"file://{VAR}/artifacts",
)

LANGUAGE_CODE = "en-us"
_own_languages = env.folder(
    "LANGUAGES_FOLDER",
    "A folder with further languages of HIT pages and the worker site, as docs/developers.md says; empty: none.",
)
LOCALE_PATHS = [Path(one) for one in (_own_languages, BASE_DIR / "annotator" / "locale") if one]
LANGUAGES = find_languages(LOCALE_PATHS)
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
WHITENOISE_USE_FINDERS = not DEPLOYED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if DEPLOYED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# A page of a neighboring host name, such as requesters' HTML, cannot set a cookie whose name begins so.
_cookie_prefix = "__Host-" if WEB_URL.startswith("https://") else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}unitscope_{SITE}"
CSRF_COOKIE_NAME = f"{SESSION_COOKIE_NAME}_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = WEB_URL.startswith("https://")
SECURE_SSL_REDIRECT = DEPLOYED
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DEPLOYED else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if DEPLOYED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.flag(
    "HSTS_PRELOAD", "1: browsers are told to put this domain and all its subdomains on their https-only lists."
)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# A requester's page may send some thousand fields; an answer has 1 MiB at most (body_limits.py).
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
CSRF_FAILURE_VIEW = "annotator.problems.pages.show_csrf"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = ["annotator.accounts.backend.MembershipBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]


def _kept_credential(name: str, meaning: str) -> str:
    """From the environment, else what `annotator.serving` kept of `manage.py sandbox_account own`."""
    kept = VAR / "secrets" / name
    return env.text(name, meaning, default=kept.read_text() if kept.exists() and not DEPLOYED else "")


WORDNET_FOLDER = env.text(
    "WORDNET_FOLDER",
    "A folder with WordNet's index.noun and data.noun; empty: a short table of our own serves.",
    default="",
)

_own = (
    _kept_credential("OWN_ACCESS_KEY_ID", "From `manage.py sandbox_account own`. A checkout makes its own."),
    _kept_credential("OWN_SECRET_ACCESS_KEY", "The secret of that key."),
)
_mturk = (
    env.text("MTURK_ACCESS_KEY_ID", "The requester's AWS key id, for MTurk and its sandbox.", default=""),
    env.text("MTURK_SECRET_ACCESS_KEY", "The secret of that AWS key.", default=""),
)
# The requester's credentials, one pair per marketplace.
MARKETPLACE_CREDENTIALS = {"own": _own, "mturk-sandbox": _mturk, "mturk": _mturk}
# Operations that our own marketplace has beside Amazon's, in the form that botocore reads.
MTURK_ADDITIONS = str(BASE_DIR / "annotator" / "mturk_model")
PROLIFIC_TOKEN = env.text("PROLIFIC_TOKEN", "The API token of the researcher's account at Prolific.", default="")
PROLIFIC_URL = env.url("PROLIFIC_URL", "Where Prolific's API answers.", default="https://api.prolific.com")
PROLIFIC_FEE = env.share(
    "PROLIFIC_FEE", "Prolific's fee on rewards and bonuses, as a share of them, with tax.", default="0.428"
)
REAL_MONEY_ALLOWED = env.flag(
    "REAL_MONEY_ALLOWED", "The first of the three confirmations that spending real money needs."
)
NOTIFICATION_QUEUE_URL = env.endpoint(
    "NOTIFICATION_QUEUE_URL",
    "An SQS queue that marketplaces write notifications into, so that answers are collected at once; the usual AWS_... "
    "variables say who reads it. Empty: campaigns are collected each minute.",
)
NOTIFICATION_QUEUE_ENDPOINT = env.endpoint(
    "NOTIFICATION_QUEUE_ENDPOINT", "The address of another service than AWS that holds that queue."
)
NOTIFICATION_QUEUE_REGION = env.text("NOTIFICATION_QUEUE_REGION", "The AWS region of that queue.", default="us-east-1")
SANDBOX_SQS_ENDPOINT = env.endpoint(
    "SANDBOX_SQS_ENDPOINT", "Where the sandbox delivers notifications for SQS; empty: nowhere."
)
SANDBOX_SNS_ENDPOINT = env.endpoint(
    "SANDBOX_SNS_ENDPOINT", "Where the sandbox delivers notifications for SNS; empty: nowhere."
)
SANDBOX_WEBHOOK_URL = env.endpoint("SANDBOX_WEBHOOK_URL", "Where the sandbox posts every notification; empty: nowhere.")
SANDBOX_OPERATOR = env.text(
    "SANDBOX_OPERATOR",
    "Who runs the marketplace and pays its people, as its pages say it; empty: they speak of the operator of the site.",
    default="",
)  # fmt: skip
SANDBOX_PAGES = env.folder(
    "SANDBOX_PAGES", "A folder with terms.txt, privacy.txt and contact.txt for the worker site; empty: short ones.",
    is_needed=SITE == "sandbox",
)  # fmt: skip
EMAIL_HOST = env.text(
    "SMTP_HOST", "The mail server, for `manage.py sandbox_mail` and notices of complete campaigns; empty: no mail.",
    default="",
)  # fmt: skip
EMAIL_PORT = env.port("SMTP_PORT", "The port of the mail server; 465 speaks TLS at once.", default=587)
EMAIL_HOST_USER = env.text("SMTP_USER", "The name at the mail server.", default="")
EMAIL_HOST_PASSWORD = env.text("SMTP_PASSWORD", "The password at the mail server.", default="")
EMAIL_USE_SSL, EMAIL_USE_TLS = EMAIL_PORT == 465, EMAIL_PORT == 587
EMAIL_TIMEOUT = 20
MAIL_FROM = env.text("MAIL_FROM", "The sender of mail.", default="")
NOTICES_MAY_BE_INTERNAL = env.flag(
    "NOTICES_MAY_BE_INTERNAL",
    "Notices may be posted to addresses inside this network, and by http.",
)
SANDBOX_OPENING_BALANCE_USD = env.usd(
    "SANDBOX_OPENING_BALANCE_USD", "Play money of a new requester's account.", default="10000.00"
)

LOG_LEVEL = env.choice(
    "LOG_LEVEL", "From which level on messages are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
    among=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="WARNING",
)  # fmt: skip
try:
    check_settings()
except BadValue as error:
    raise env.BadSetting(str(error)) from None


def _is_fault(record: Any) -> bool:
    """Crops that are cut when somebody looks are answered with 503 until they are there: a page of them is no fault."""
    reason, *_ = record.args or [""]
    return bool(reason != "Being cut")


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "filters": {"faults": {"()": CallbackFilter, "callback": _is_fault}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # A refusal of the Requester API is an answer, not a fault.
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["faults"]},
        # Scanners of a public address ask for any host; each gets 400, and a traceback of each helps nobody.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Whatever LOG_LEVEL says: below these levels they log requests, and with them the ids of workers.
        "botocore": {"level": "INFO"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "INFO"},
    },
}
