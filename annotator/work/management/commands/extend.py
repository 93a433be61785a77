"""`manage.py extend CAMPAIGN`: one more assignment wherever the answers so far leave a doubt."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from annotator.commanding import ProjectCommand
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.models import HIT
from annotator.crowd.outbox.session import open_session
from annotator.labels.extending import CannotExtend, extend_campaign, find_saving
from annotator.work.permitting import REAL_MONEY_HELP, ask_permit
from annotator.work.refusing import refusing


class Command(ProjectCommand):
    help = (
        "Asks one more person about each unit whose answers leave a doubt (category or concept disagree, or the "
        "interval of precision is wider than asked), up to the campaign's --max-assignments and within its cap. "
        "Repeat: collect, label, extend, until it says that nothing is in doubt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("--widest", type=float, help="Widest 95 %% interval of precision that is good enough")
        parser.add_argument("--real-money", action="store_true", help=REAL_MONEY_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = find_campaign(options["campaign"])
        with refusing(campaign):
            try:
                permit = ask_permit(campaign, has_flag=options["real_money"])
                extension = extend_campaign(open_session(campaign, permit=permit), widest=options["widest"])
            except CannotExtend as error:
                raise CommandError(str(error), returncode=2) from None
        hits = HIT.objects.select_related("unit__layer").in_bulk(list(extension.reasons))
        for pk, reason in extension.reasons.items():
            self.stdout.write(f"{hits[pk].unit}: one more ({reason})")
        saving = find_saving(campaign)
        self.stdout.write(
            f"{len(extension.reasons) or 'Nothing'} in doubt. {saving.n_asked} assignments asked for so far, where "
            f"{saving.n_fixed} would be a fixed number: ${saving.saved_usd:.2f} ({saving.share:.0%}) saved."
        )
