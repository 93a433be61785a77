"""What the dashboard's buttons sent to the queues and how far it came; the broker keeps it for a day."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

import redis
from django.conf import settings

KEPT_SECONDS = 24 * 3600
# A job that says nothing for so long was lost with its process; it may be started again.
SILENT_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """The last word of one kind of work on one campaign: waiting, running, done, failed or lost."""

    campaign: str
    kind: str
    state: str
    words: str
    at: float
    by: str = ""

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "running")


def note_job(*, campaign: str, kind: str, state: str, words: str, now: datetime, by: str = "") -> None:
    job = Job(campaign=campaign, kind=kind, state=state, words=words, at=now.timestamp(), by=by)
    with _client() as client:
        client.hset(_key(campaign), kind, json.dumps(asdict(job)))
        client.expire(_key(campaign), KEPT_SECONDS)


def read_jobs(*, campaign: str, now: datetime) -> list[Job]:
    """Newest first; nothing where the broker does not answer."""
    try:
        with _client() as client:
            raw = client.hvals(_key(campaign))
    except redis.RedisError:
        return []
    jobs = [_judge(Job(**json.loads(one)), now) for one in raw]
    return sorted(jobs, key=lambda job: job.at, reverse=True)


def _judge(job: Job, now: datetime) -> Job:
    if not job.is_active or now.timestamp() - job.at < SILENT_SECONDS:
        return job
    return Job(**{**asdict(job), "state": "lost", "words": "No sign of life for two minutes; it may be started again."})


def _key(campaign: str) -> str:
    return f"unitscope:dashboard-jobs:{campaign}"


def _client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5)
