"""Shows the people of the worker site and their reports; renews a lost key, pauses and resumes a person."""

from argparse import ArgumentParser
from typing import Any

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.acts import membership
from annotator.sandbox.models import Person, Report


class Command(ProjectCommand):
    help = (
        "The people of the worker site: `list` shows them, `reports` what they reported about HITs. `renew-key` prints "
        "a new sign-in key for a person who lost theirs; the old one and their open sessions end. `pause` lets a "
        "person accept nothing more, `resume` takes it back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT", help="One of these")
        acts.add_parser("list", help="WorkerId, name, for whom the invitation was, contact, state")
        acts.add_parser("reports", help="what people reported, oldest first")
        for name, words in (
            ("renew-key", "print a new sign-in key"),
            ("pause", "they can accept no more HITs"),
            ("resume", "they can work again"),
        ):
            one = acts.add_parser(name, help=words)
            one.add_argument("worker_id", metavar="WORKER_ID", help="as the list shows it")
            if name == "pause":
                one.add_argument("--reason", default="", help="what the person reads, at most 300 characters")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act == "list":
            for person in Person.objects.order_by("id"):
                self.stdout.write(_describe(person))
        elif act == "reports":
            for row in Report.objects.select_related("person", "hit__hit_type__requester"):
                self.stdout.write(f"{row.at:%Y-%m-%d %H:%M} {row.person.mturk_id} HIT {row.hit.mturk_id}: {row.text}")
        else:
            self._change(act, membership.find_person(options["worker_id"]), options)

    def _change(self, act: str, person: Person, options: dict[str, Any]) -> None:
        match act:
            case "renew-key":
                self.stdout.write(membership.renew_lost_key(person))
            case "pause":
                membership.pause(person, reason=options["reason"][:300], now=switchboard.read().now())
                self.stdout.write(f"{person.mturk_id} is paused.")
            case _:
                membership.resume(person)
                self.stdout.write(f"{person.mturk_id} can work again.")


def _describe(person: Person) -> str:
    state = "left" if person.left_at else "paused" if person.paused_at else "here"
    words = [f"{person.mturk_id:<16}", state, person.name, person.invited_as, person.contact]
    return "  ".join(filter(None, words))
