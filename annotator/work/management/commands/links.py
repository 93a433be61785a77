"""`manage.py links make|list|owed|reopen|revoke CAMPAIGN`: the single-use links of a campaign."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns import handing_out
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.models import Campaign
from annotator.csv_files import write_csv


class Command(ProjectCommand):
    help = (
        "Single-use links of a campaign at the marketplace `links`, for a class, a lab or a panel that takes an "
        "address: `make` prints new ones, `list` all, `owed` what each person did and is owed; `reopen` lets a person "
        "go on in another browser, `revoke` withdraws a link. The requester pays; this program pays nobody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT", help="One of these")
        make = acts.add_parser("make", help="make links and print them as CSV: number, note, link")
        people = make.add_mutually_exclusive_group(required=True)
        people.add_argument("--people", type=int, metavar="N", help="how many")
        people.add_argument("--notes", type=Path, metavar="FILE", help="one link per line, which says for whom it is")
        for parser_of, words in (
            (make, ""),
            (acts.add_parser("list", help="print all links as CSV: number, note, link"), ""),
            (acts.add_parser("owed", help="print as CSV what each person did and is owed, in dollars"), ""),
            (acts.add_parser("reopen", help="let a person go on in another browser"), "number"),
            (acts.add_parser("revoke", help="withdraw a link; what was done with it is owed"), "number"),
        ):
            parser_of.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's name")
            if words:
                parser_of.add_argument("number", type=int, metavar="NUMBER", help="the link's number")
            else:
                parser_of.add_argument("--csv", type=Path, metavar="FILE", help="write there instead of printing")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        campaign, now = find_campaign(options["campaign"]), timezone.now()
        match act:
            case "make":
                links = handing_out.make_links(campaign, notes=_read_notes(options), now=now)
                self._note(campaign, act, {"links": len(links)})
                self._write(map(handing_out.describe_link, links), handing_out.LINK_COLUMNS, options["csv"])
            case "list":
                self._write(handing_out.list_links(campaign), handing_out.LINK_COLUMNS, options["csv"])
            case "owed":
                self._write(handing_out.list_owed(campaign), handing_out.OWED_COLUMNS, options["csv"])
            case "reopen":
                link = handing_out.reopen_link(campaign, number=options["number"])
                self._note(campaign, act, {"link": link.number})
                self.stdout.write(f"Link {link.number} can be started again, in any browser.")
            case _:
                link = handing_out.revoke_link(campaign, number=options["number"], now=now)
                self._note(campaign, act, {"link": link.number})
                self.stdout.write(f"Link {link.number} is withdrawn.")

    def _note(self, campaign: Campaign, act: str, details: dict[str, Any]) -> None:
        write_audit_entry(actor=None, action=f"{act} links", subject=campaign.name, details=details, now=timezone.now())

    def _write(self, rows: Any, columns: tuple[str, ...], path: Path | None) -> None:
        text = write_csv(rows, columns=columns)
        if path is None:
            self.stdout.write(text, ending="")
            return
        try:
            path.write_text(text)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=2) from None
        self.stdout.write(f"Wrote {path}.")


def _read_notes(options: dict[str, Any]) -> list[str]:
    if options["notes"] is None:
        return [""] * max(0, options["people"])
    try:
        lines = options["notes"].read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{options['notes']} cannot be read: {error}.", returncode=2) from None
    return [line.strip() for line in lines if line.strip()]
