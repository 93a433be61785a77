"""`manage.py simulate_people`: simulated people do a campaign's HITs over HTTP."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.campaigns.handing_out import make_links, reopen_link
from annotator.crowd.marketplaces.links.addresses import make_link_address
from annotator.crowd.models import Campaign
from annotator.demo.people.browser import Browser
from annotator.demo.people.judgement import Knowledge
from annotator.demo.people.library import Library
from annotator.demo.people.seeing import Viewer
from annotator.demo.people.signing_in import Site, sign_in_all
from annotator.demo.people.tempers import TEMPERS, gather_people
from annotator.demo.people.working import Crew
from annotator.refusals import Refusal
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = (
        "Let SIMULATED people do the HITs of a campaign: at our own marketplace through its worker site and the HIT\n"
        "pages, or through links of their own, over HTTP. They get what a browser gets, recognize the tiles by\n"
        "matching them against the images in DIR, and may read its labels: maps, boxes or those of whole images. They\n"
        "never see the database, the planted crops, the unit or its IoU. DIR may be any image set that was dissected\n"
        "and whose layout is found by look. In a plain folder of photographs they name the folder that an image lies\n"
        "in, or a color. (The command itself looks up one thing:\n"
        "which HITs are the campaign's; of links, it makes one for each of them.)\n"
        "The marketplace marks them as simulated.\n"
        "Kinds: " + "; ".join(f"{t.n_people} {t.name}" for t in TEMPERS) + " of 12.\n"
        "Run it again after an interruption: it finishes what is missing, with the same answers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("campaign", help="the campaign's name")
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="the image set's folder")
        parser.add_argument(
            "--resize", choices=["center_crop", "warp"], default="center_crop",
            help="how the network's preprocessing makes photographs without labels square (default center_crop)",
        )  # fmt: skip
        parser.add_argument("--workers", type=int, default=12, help="how many people (default 12)")
        parser.add_argument("--seed", type=int, default=1, help="seed of everything they do (default 1)")
        parser.add_argument(
            "--error", type=float, metavar="RATE",
            help="how often an answer about a photograph is wrong, from 0 to 1 (default: as each kind of person errs)",
        )  # fmt: skip
        parser.add_argument("--at-once", type=int, default=2, help="HITs worked on at the same time (default 2)")
        parser.add_argument("--stop-after", type=int, metavar="HITS", help="stop after this many HITs")

    def handle(self, *args: Any, **options: Any) -> None:
        if min(options["workers"], options["at_once"], options["stop_after"] or 1) < 1:
            raise CommandError("--workers, --at-once and --stop-after must be at least 1.", returncode=2)
        if options["error"] is not None and not 0 <= options["error"] <= 1:
            raise CommandError("--error is a rate from 0 to 1.", returncode=2)
        campaign = find_campaign(options["campaign"])
        has_links = campaign.marketplace == "links"
        site = Site("", frozenset(), frozenset()) if has_links else find_site(campaign)
        library = Library(options["images"], resize=options["resize"])
        people = gather_people(n_people=options["workers"])
        keys_file = settings.VAR / "demo" / "simulated-people.json"
        browsers = (
            {person.name: Browser() for person in people}
            if has_links
            else sign_in_all(site=site, people=people, keys_file=keys_file)
        )
        viewer = Viewer(library)
        knowledge = Knowledge(label_of=library.label_of, base_rates=viewer.base_rates)
        crew = Crew(site, people, viewer, knowledge, options["seed"], browsers, error=options["error"])
        addresses = hand_out_links(campaign, [person.name for person in people]) if has_links else None
        self._work(crew, addresses, n_at_once=options["at_once"], stop_after=options["stop_after"])

    def _work(self, crew: Crew, addresses: dict[str, str] | None, *, n_at_once: int, stop_after: int | None) -> None:
        """`addresses`: people's links by their names; None: they work at our own marketplace."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task("assignments by simulated people", total=None)
            crew.on_submitted = lambda n_submitted: bar.update(task, completed=n_submitted)
            if addresses is None:
                done = crew.work(n_at_once=n_at_once, stop_after=stop_after)
            else:
                done = crew.use_links(addresses)
        self.stdout.write(
            f"{say_count(len(crew.people), 'simulated person')} submitted {say_count(done.n_submitted, 'assignment')}."
        )
        if done.n_returned:
            self.stdout.write(f"Returned: {say_count(done.n_returned, 'HIT')} that the page would not let them do.")
        if done.strange_hits:
            self.stdout.write(
                f"Skipped: {say_count(len(done.strange_hits), 'HIT')} whose images are not from this image set."
            )


class NoSuchWork(Refusal):
    """The campaign has no HITs at our own marketplace."""


def hand_out_links(campaign: Campaign, names: Sequence[str]) -> dict[str, str]:
    """A link for each simulated person. One that was left unfinished is opened again for a new browser."""
    for name in names:
        link = campaign.links.filter(note=name, is_simulated=True).first()
        if link is None:
            make_links(campaign, notes=[name], is_simulated=True, now=timezone.now())
        elif link.finished_at is None:
            reopen_link(campaign, number=link.number)
    links = campaign.links.filter(note__in=names, is_simulated=True)
    return {link.note: make_link_address(link.public_id) for link in links}


def find_site(campaign: Campaign) -> Site:
    """The worker site and the campaign's HITs. Nothing else is read from the database."""
    if campaign.marketplace != "own":
        raise NoSuchWork(
            f"Simulated people work at our own marketplace and through links, not at {campaign.marketplace}."
        )
    hit_types = frozenset(campaign.hit_types.exclude(external_id="").values_list("external_id", flat=True))
    if not hit_types:
        raise NoSuchWork(f"The campaign {campaign.name!r} is not published yet.")
    # A HIT type of an earlier release may be shared by several campaigns.
    hits = frozenset(campaign.hits.exclude(external_id="").values_list("external_id", flat=True))
    return Site(settings.SANDBOX_URL, hit_types, hits)
