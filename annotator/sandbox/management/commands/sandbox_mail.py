"""Writes to the people of the worker site who asked for mail."""

from typing import Any

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.acts import mailing
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Write to people who asked for mail on the page of their account: how many new HITs there are for them, how "
        "many of theirs were reviewed, how many messages wait. One letter per person and day. Let a timer run it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        mailed = mailing.mail_everybody(now=switchboard.read().now())
        self.stdout.write(f"{say_count(mailed.n_sent, 'letter')} sent.")
        for worker_id, reason in mailed.refused.items():
            self.stderr.write(f"The mail server does not take the letter to {worker_id} ({reason}).")
