"""Launches a campaign: composes its HITs, quotes their price, and publishes them at its marketplace.

Run it again after an interruption: a campaign that stands goes on where it was.
"""

import argparse
import uuid
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns import composing, phrases, publishing, quoting, unit_choice
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.hit_types import templates as rendering
from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.marketplaces.marketplace import MARKETPLACE_WORDS, open_marketplace
from annotator.crowd.marketplaces.prices import Quote
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.session import open_session
from annotator.crowd.seeds import derive_seed
from annotator.units.finding import find_done_dissections
from annotator.work.noting import note
from annotator.work.permitting import REAL_MONEY_HELP, ask_permit
from annotator.work.refusing import refusing


def amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars like 0.60") from None
    if not value.is_finite() or value < 0 or value != value.quantize(Decimal("0.01")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of dollars and cents")
    return value


class Command(ProjectCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("campaign", help="Its name; letters, digits and hyphens")
        add("--dissection", action="append", default=[], metavar="ID", help="Whose units; may be given several times")
        add("--top-iou", type=int, default=24, metavar="N", help="Units of highest IoU (24)")
        add("--random", type=int, default=8, metavar="N", help="Units drawn at random from the rest (8)")
        add("--units", action="append", default=[], metavar="LAYER:3,40-49", help="These units, counted from zero")
        add("--assignments", type=int, default=3, metavar="N", help="People asked about each unit (3)")
        add("--max-assignments", type=int, metavar="N", help="Ask up to this many where people disagree")
        add("--reward", type=amount, default=Decimal("0.60"), metavar="USD", help="For one assignment (0.60)")
        add("--budget", type=amount, metavar="USD", help="Cap on all spending; default: the quote")
        add("--policy", choices=Campaign.Policy.values, default=Campaign.Policy.ACCEPT_AND_SCORE)
        add("--template", default="unit_semantics", help="A folder of hit_templates/ (unit_semantics)")
        add(
            "--phrases",
            metavar="FILE|automatic",
            help="For verify_label: automatic labels (default) or layer,unit,phrase",
        )
        add("--marketplace", choices=list(MARKETPLACE_WORDS), default="own")
        add("--seed", type=int, help="Of units, planted negatives and orders; default: from the name")
        add("--requester-name", default="A research group using Unitscope", help="Who asks, in the consent")
        add("--contact", default="", help="Where workers reach you, in the consent")
        add("--ethics-number", default="", help="In the consent")
        add("--max-per-worker", type=int, metavar="N", help="At most so many HITs by one person")
        add(
            "--country", action="append", default=[], metavar="US", help="Only people there; may be given several times"
        )
        add("--min-approval", type=int, metavar="PERCENT", help="Only people with this approval rate")
        add("--min-approved", type=int, metavar="N", help="Only people with so many approved HITs")
        add("--exclude", action="append", default=[], metavar="CAMPAIGN", help="Nobody who worked in that campaign")
        add(
            "--screening",
            type=int,
            metavar="PERCENT",
            help="Only people who passed the HIT type's test with this score",
        )
        add("--until", choices=["composed", "quoted", "published"], default="published", help="Stop after this step")
        add("--yes", action="store_true", help="Publish without asking")
        add("--real-money", action="store_true", help=REAL_MONEY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.filter(name=options["campaign"]).first()
        with refusing(campaign):
            campaign = campaign or self._compose(options)
        if options["until"] == "composed":
            return
        with refusing(campaign):
            if campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED):
                self._show(campaign, quoting.quote_campaign(campaign=campaign, now=timezone.now()))
            if options["until"] == "published":
                self._publish(campaign, options)

    def _compose(self, options: dict[str, Any]) -> Campaign:
        named = options["dissection"]
        named = [named] if isinstance(named, str | uuid.UUID) else named  # as another command may call this one
        if not named:
            raise CommandError("Name a dissection: --dissection ID.", returncode=2)
        seed = options["seed"] if options["seed"] is not None else derive_seed(options["campaign"])
        units = unit_choice.choose_units(
            find_done_dissections(named),
            n_top_iou=options["top_iou"],
            n_random=options["random"],
            names=options["units"],
            seed=seed,
        )
        campaign = composing.compose_campaign(
            plan=composing.CampaignPlan(
                name=options["campaign"],
                marketplace=options["marketplace"],
                reward_usd=options["reward"],
                budget_cap_usd=options["budget"] or self._find_cap(options, n_hits=len(units)),
                seed=seed,
                n_assignments=options["assignments"],
                max_assignments=options["max_assignments"],
                policy=options["policy"],
                template=options["template"],
                requester_name=options["requester_name"],
                contact=options["contact"],
                ethics_number=options["ethics_number"],
                max_hits_per_worker=options["max_per_worker"],
                qualifications=self._list_qualifications(options),
            ),
            units=units,
            phrases=self._find_phrases(options, units),
            now=timezone.now(),
        )
        self.stdout.write(f"Composed {len(units)} HITs, one a unit.")
        return campaign

    def _list_qualifications(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = {
            "locales": options["country"],
            "min_approval_percent": options["min_approval"],
            "min_approved": options["min_approved"],
            "excluded_campaigns": [find_campaign(name).name for name in options["exclude"]],
        }
        if options["screening"] is not None:
            load_screening(options["template"])
            asked["screening"] = {"least_percent": options["screening"]}
        return {name: value for name, value in asked.items() if value}

    def _find_phrases(self, options: dict[str, Any], units: list[unit_choice.ChosenUnit]) -> dict[int, str]:
        if rendering.load_template(options["template"]).answer != "verdict":
            return {}
        if options["phrases"] in (None, "automatic"):
            return phrases.find_automatic_phrases(units)
        return phrases.read_phrases(Path(options["phrases"]), units)

    def _find_cap(self, options: dict[str, Any], *, n_hits: int) -> Decimal:
        """The price of as many assignments as may ever be asked for, at this marketplace's fees."""
        return quoting.find_most(
            n_hits=n_hits,
            n_assignments=options["max_assignments"] or options["assignments"],
            reward_usd=options["reward"],
            marketplace=options["marketplace"],
        )

    def _show(self, campaign: Campaign, quote: Quote) -> None:
        self.stdout.write(
            f"Quote: {quote.n_hits} HITs x {campaign.n_assignments} assignments at ${campaign.reward_usd:.2f}: "
            f"${quote.rewards_usd} rewards + ${quote.fees_usd} fees = ${quote.total_usd} "
            f"(cap ${campaign.budget_cap_usd:.2f}).\n"
            f"About {quote.seconds_per_assignment} s an assignment, ${quote.hourly_usd} an hour, "
            f"{quote.hours_of_work} hours of work in all, at the marketplace {campaign.marketplace}."
        )

    def _publish(self, campaign: Campaign, options: dict[str, Any]) -> None:
        marketplace = open_marketplace(campaign.marketplace)
        permit = ask_permit(campaign, has_flag=options["real_money"])
        if not options["yes"] and permit is None and input("Publish? [y/N] ").strip().lower() != "y":
            self.stdout.write("Not published; run the command again to go on.")
            return
        note("publish campaign", f"campaign {campaign.name}", marketplace=marketplace.name, quote=campaign.quote)
        publishing.publish_campaign(open_session(campaign, permit=permit))
        n_published = find_campaign(campaign.name).hits.exclude(external_id="").count()
        self.stdout.write(f"Published {n_published} HITs. People find them at {marketplace.worker_url}")
