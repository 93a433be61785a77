"""Prints the addresses of all services as JSON."""

import json
from typing import Any

from django.conf import settings

from annotator.commanding import ProjectCommand


class Command(ProjectCommand):
    help = "Print the addresses of dashboard, HIT pages, sandbox endpoint and sandbox worker site as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            json.dumps(
                {
                    "dashboard": f"{settings.WEB_URL}/",
                    "hit_pages": f"{settings.HIT_PAGES_URL}/hit/",
                    "sandbox_endpoint": settings.SANDBOX_URL,
                    "sandbox_worker_site": f"{settings.SANDBOX_URL}/worker/",
                },
                indent=2,
            )
        )
