"""Prints what people wrote to a requester of the sandbox."""

from typing import Any

from django.core.management.base import CommandParser

from annotator.commanding import ProjectCommand
from annotator.sandbox.models import Message, Requester


class Command(ProjectCommand):
    help = "Print the messages that people of the sandbox wrote to the requester NAME, oldest first."

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
