"""Prints what a requester of the sandbox was sent: messages of people, and events that were asked for by e-mail."""

from typing import Any

from django.core.management.base import CommandParser

from annotator.commanding import ProjectCommand
from annotator.sandbox.models import Message, Notification, Requester


class Command(ProjectCommand):
    help = (
        "Print the messages that people of the sandbox wrote to the requester NAME, oldest first; then the events of "
        "HITs for which the requester asked by e-mail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the requester's name")

    def handle(self, *args: Any, **options: Any) -> None:
        requester = Requester.objects.filter(name=options["name"]).first()
        if requester is None:
            self.stderr.write(f"There is no requester {options['name']!r}.")
            raise SystemExit(2)
        messages = Message.objects.filter(requester=requester, is_from_person=True).select_related("person")
        for message in messages.order_by("id"):
            self.stdout.write(f"{message.sent_at:%Y-%m-%d %H:%M} {message.person.mturk_id} {message.subject}")
            self.stdout.write("".join(f"    {line}\n" for line in message.text.splitlines()))
        self._print_events(requester)

    def _print_events(self, requester: Requester) -> None:
        for kept in Notification.objects.filter(requester=requester, transport="Email").order_by("id"):
            for event in kept.document["Events"]:
                ids = " ".join(str(event[name]) for name in ("HITId", "AssignmentId") if name in event)
                self.stdout.write(f"{kept.created_at:%Y-%m-%d %H:%M} {kept.destination} {event['EventType']} {ids}")
