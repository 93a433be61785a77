"""Dissects layers of a network over an image set and shows the progress."""

import json
import sys
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotator.commanding import ProjectCommand
from annotator.json_texts import json_argument
from annotator.processes import ProcessFailed
from annotator.program import name_command
from annotator.units import chance, dissecting, registering, sources
from annotator.units.asked_options import LABELS_HELP, add_option_arguments, choose_options
from annotator.units.finding import find_dissection
from annotator.units.gpu_process import Keeper, gpu_process_if_none, is_one_alive
from annotator.units.growing import ANEW
from annotator.units.models import GIVEN_UP, Dissection
from annotator.units.names import make_slug
from annotator.units.progress import read_dissection_progress
from annotator.units.progress_lines import ProgressLines
from annotator.units.telling import describe_dissection, tell_counts, tell_dissection, tell_estimate, tell_surveyed
from workers.engine.networks.encoder_recipe import (
    ACTIVATIONS,
    IGNORED,
    LATENTS,
    SUBTRACTED,
    EncoderInvalid,
    EncoderRecipe,
    join_addresses,
)
from workers.engine.networks.saved import SAVED
from workers.engine.networks.source_names import NETWORK_FORMS

MAX_LIMIT_GB = 1e6
EXAMPLE = """
One pass over the images gives each unit's top images, exact threshold and, where the images carry labels, its IoU
labels (docs/image_sets.md lists the layouts; manage.py look DIR shows what is understood); then receptive fields,
segments and crops. Interrupted, the work goes on when the same dissection is resumed with --resume ID.

example: manage.py dissect --network torchvision:squeezenet1_1 --weights FILE.safetensors \\
    --layer features.12 --images DIR
"""


class Command(ProjectCommand):
    help = "Dissect layers of a network over a folder of images, with labels or without." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--network", help=f"a registered network's name, {NETWORK_FORMS}")
        parser.add_argument(
            "--activations", metavar="FILE",
            help=".npy of saved activations, image x unit x row x column, in place of --network and --layer",
        )  # fmt: skip
        parser.add_argument("--weights", default="", help=".safetensors or .pth; a file or s3://; none: random weights")
        parser.add_argument(
            "--layer", action="append", default=[], help="dotted path of a layer; several times for several"
        )
        parser.add_argument(
            "--encoder", metavar="FILE",
            help="encoder of a sparse autoencoder that was trained on --layer: its latents are dissected (docs/zoo.md)",
        )  # fmt: skip
        parser.add_argument(
            "--encoder-activation", default="", metavar="WHICH",
            help=f"what follows the encoder: {ACTIVATIONS}. Default: what the file suggests",
        )  # fmt: skip
        parser.add_argument(
            "--decoder-bias", choices=(SUBTRACTED, IGNORED), default=SUBTRACTED,
            help="whether the decoder's bias, if the file has one, is subtracted from what the encoder gets",
        )  # fmt: skip
        parser.add_argument("--images", help="folder of images, with labels or without, or s3:// prefix of one")
        parser.add_argument("--labels", default="", metavar="PATH", help=LABELS_HELP)
        parser.add_argument("--network-name", help="name under which the network is registered")
        parser.add_argument("--images-name", help="name under which the image set is registered")
        parser.add_argument("--rendered", action="store_true", help="the images were drawn by a program")
        parser.add_argument("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")
        add_option_arguments(parser)
        parser.add_argument(
            "--spill", action="store_true",
            help="keep large arrays in temporary files even if they fit in memory",
        )  # fmt: skip
        parser.add_argument(
            "--memory-limit", type=float, metavar="GB",
            help="memory that each GPU process may take; more goes to temporary files. Default: what is free",
        )  # fmt: skip
        parser.add_argument(
            "--anew", action="store_true",
            help="measure all images, also those that were measured before the image set grew",
        )  # fmt: skip
        parser.add_argument("--resume", metavar="ID", help="go on with a dissection that was interrupted")
        parser.add_argument(
            "--json", action="store_true", help="print id, counts, seconds by stage and artifact address"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_one_alive()  # refused before anything is written
        dissections = [find_dissection(options["resume"])] if options["resume"] else self._requested(options)
        _refuse_failed(dissections)  # before a GPU process is started
        with _refusing_deleted(), gpu_process_if_none() as keeper:
            for dissection in dissections:
                self._follow(dissection, keeper)
            _refuse_failed(dissections)
            for dissection in dissections:
                self._follow_chance(dissection, keeper)
                dissection.refresh_from_db()
        if options["json"]:
            facts = [describe_dissection(dissection) for dissection in dissections]
            self.stdout.write(json.dumps(facts if options["rotation"] else facts[0], indent=2))
        else:
            self.stdout.write("\n".join(tell_dissection(dissection) for dissection in dissections))

    def _requested(self, options: dict[str, Any]) -> list[Dissection]:
        """One dissection, or one for each power of the rotation."""
        if options["activations"]:
            options = _name_activations(options)
        missing = [f"--{name}" for name in ("network", "layer", "images") if not options[name]]
        if missing:
            raise CommandError(f"Missing: {', '.join(missing)}.", returncode=2)
        now = timezone.now()
        if not (options["encoder"] or options["activations"]) and registering.find_registered(options["network"]):
            options = {**options, "network_name": options["network_name"] or options["network"]}
        options = registering.fill_registered(options)
        if options["encoder"]:
            options = _name_encoder(options)
        network = registering.register_network(
            name=options["network_name"],
            architecture=options["network"],
            weights=options["weights"],
            preprocessing=options["preprocessing"],
            code_folder=options["code_folder"],
            now=now,
        )
        image_set = registering.register_image_set(
            name=options["images_name"],
            address=options["images"],
            labels=options["labels"],
            is_rendered=options["rendered"],
            now=now,
        )
        addresses = dissecting.Addresses(sources.resolve_weights(options["weights"]), options["code_folder"])
        way = _choose_way(options)
        return [
            dissecting.request_dissection(
                network=network,
                addresses=addresses,
                image_set=image_set,
                layer_paths=options["layer"],
                options={**chosen, **way},
                now=now,
            )
            for chosen in choose_options(options)
        ]

    def _follow_chance(self, dissection: Dissection, keeper: Keeper) -> None:
        """The dissection itself is done. If the counts with random weights fail, the output says so."""
        if measured_by := chance.find_unfinished(dissection):
            note = (
                f"Dissection {dissection.id} is done. Its layers are now measured with random weights, to stand beside"
                f" its detectors. Interrupted, this goes on with --resume {dissection.id}."
            )
            self.stderr.write(f"{tell_counts(dissection)}{note}")
            self._follow(measured_by, keeper)

    def _follow(self, dissection: Dissection, keeper: Keeper) -> None:
        """Advances the dissection itself, so that it ends without a web-queue process, and draws the progress."""
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(file=sys.stderr)
        lines = ProgressLines(console)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            bar, said = bars.add_task("", total=None, rate=""), False
            while dissection.state in dissecting.UNFINISHED:
                now = timezone.now()
                dissecting.advance_dissection(dissection_id=dissection.id, now=now)
                dissection.refresh_from_db()
                if dissection.n_images and not said:
                    said = True
                    console.print(tell_estimate(dissection))
                    for line in tell_surveyed(dissection):
                        console.print(line, markup=False)
                seen = read_dissection_progress(dissection)
                if bars.tasks[bar].description != seen.stage:
                    bars.reset(bar, description=seen.stage)
                rate = f"{seen.per_second:.0f}/s" if seen.per_second else ""
                bars.update(bar, completed=seen.n_done, total=seen.n_total or None, rate=rate)
                lines.show(seen)
                _look_after(keeper, dissection)
                time.sleep(0.3)


@contextmanager
def _refusing_deleted() -> Iterator[None]:
    """Somebody may cancel and delete in the dashboard what is followed here."""
    try:
        yield
    except Dissection.DoesNotExist:
        raise CommandError("The dissection was deleted meanwhile, with what was measured.", returncode=2) from None


def _look_after(keeper: Keeper, dissection: Dissection) -> None:
    try:
        keeper.look_after()
    except ProcessFailed as failed:
        raise CommandError(f"{failed} Go on with --resume {dissection.id}.") from None


def _choose_way(options: dict[str, Any]) -> dict[str, Any]:
    """How the work is done: recorded, without effect on the result."""
    way: dict[str, Any] = {name: True for name in ("spill", ANEW) if options[name]}
    if (limit := options["memory_limit"]) is not None:
        if not 0 < limit < MAX_LIMIT_GB:
            raise CommandError("--memory-limit is a number of gigabytes above 0.", returncode=2)
        way["memory_limit"] = round(limit * 1e9)
    return way


def _refuse_failed(dissections: list[Dissection]) -> None:
    for dissection in dissections:
        dissection.refresh_from_db()
        if dissection.state in GIVEN_UP:
            canceled = f"The dissection was canceled. To try again: {name_command(f'dissection {dissection.id} retry')}"
            raise CommandError(dissection.error or canceled, returncode=2)


def _name_activations(options: dict[str, Any]) -> dict[str, Any]:
    """Saved activations are registered as a network of one layer, called like the file."""
    if options["network"] or options["weights"] or options["layer"]:
        raise CommandError("--activations stands in place of --network, --weights and --layer.", returncode=2)
    name = PurePosixPath(options["activations"]).stem
    named = {"network": SAVED, "weights": options["activations"], "layer": [name]}
    return {**options, **named, "network_name": options["network_name"] or name}


def _name_encoder(options: dict[str, Any]) -> dict[str, Any]:
    """A network with an encoder is registered as a network of its own, with the layer of the latents."""
    if len(options["layer"]) != 1 or options["activations"]:
        raise CommandError("--encoder takes one --network and the one --layer it was trained on.", returncode=2)
    try:
        recipe = EncoderRecipe(
            base=sources.resolve_architecture(options["network"]),
            layer=options["layer"][0],
            activation=options["encoder_activation"],
            decoder_bias=options["decoder_bias"],
            axes=options["axes"] or "",
            tokens=options["tokens"] or "",
        )
        weights = join_addresses(options["weights"], options["encoder"])
    except EncoderInvalid as invalid:
        raise CommandError(str(invalid), returncode=2) from None
    named = {"network": recipe.name, "weights": weights, "layer": [LATENTS], "axes": None, "tokens": None}
    name = make_slug(f"{options['network'].rpartition(':')[2]}-{PurePosixPath(options['encoder']).stem}")
    # A network that was registered so is found by its files; another one gets a free name.
    free = None if registering.find_registered(name) else name
    return {**options, **named, "network_name": options["network_name"] or free}
