"""Cuts a network after a layer and gives it a new head."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.fitting import Destination, ask_for_surgery, keep_networks
from annotator.evidence.network_arguments import add_head_arguments, read_network
from annotator.json_texts import json_argument
from annotator.program import name_command
from annotator.units.gpu_process import gpu_process_if_none
from workers.engine.plurals import say_count

# What an answer says of a network that has learned nothing.
RANDOM = "random"
# The networks of the paper, and the layer after which it cuts them: 13 x 13, 14 x 14 and 14 x 14 cells.
PAPER = {
    "alexnet": ("torchvision:alexnet", "features.11"),
    "vgg16": ("torchvision:vgg16", "features.29"),
    "googlenet": ("torchvision:googlenet", "inception4e"),
}
EXAMPLE = """

What follows the layer goes. In its place come convolutions of 3 x 3 with a rectifier each, the mean of each map (gap),
its largest value (gmp) or all its cells (fc), and a linear layer without bias. Weights before the cut are kept, those
of the new head are drawn by a seed: teach it with fit.

example: manage.py surgery alexnet --weights alexnet.pth --out alexnet-gap.safetensors
         manage.py surgery torchvision:resnet18 --layer layer3 --convolutions 2 --units 512 --out resnet.safetensors
"""


class Command(ProjectCommand):
    help = "Cut a network after a layer and give it a head that pools maps (GAP, GMP) or takes all cells." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "network", help="alexnet, vgg16, googlenet, a registered network's name, torchvision:NAME, ..."
        )
        parser.add_argument("--weights", default="", help=".safetensors or .pth; a file or s3://; none: random weights")
        parser.add_argument("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")
        parser.add_argument("--layer", default="", help="the last layer that is kept; the paper's for its networks")
        add_head_arguments(parser, is_repeated=False)
        parser.add_argument("--classes", type=int, default=1000, help="of the new classifier; default: 1000")
        parser.add_argument("--out", type=Path, metavar="FILE.safetensors", help="keep the network; none: figures only")
        parser.add_argument(
            "--name", default="", help="under which the network is registered; default: the file's name"
        )
        parser.add_argument("--json", action="store_true", help="print architecture, maps and parameters")

    def handle(self, *args: Any, **options: Any) -> None:
        architecture, layer = PAPER.get(options["network"], (options["network"], ""))
        options["network"], layer = architecture, options["layer"] or layer
        if not layer:
            raise CommandError("Say with --layer after which layer the network is cut.", returncode=2)
        wanted = {"layer": layer, **{name: options[name] for name in ("head", "convolutions", "units", "classes")}}
        destination = None
        if options["out"]:
            destination = Destination.plan(out=options["out"], name=options["name"], heads=[options["head"]])
        now = timezone.now()
        with gpu_process_if_none() as keeper:
            question = ask_for_surgery(network=read_network(options), options=wanted, now=now)
            answer = asking.wait_for_answer(question, clock=timezone.now, look_after=keeper.look_after)
        kept = keep_networks(question, [answer], destination, now=now) if destination else []
        told = {**answer, "registered": kept[0].name if kept else None, "weights": kept[0].weights if kept else None}
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else "\n".join(_tell(told)))


def _tell(told: Mapping[str, Any]) -> list[str]:
    n_units, height, width = told["maps"]
    before, after = told["parameters_before"], told["parameters"]
    lines = [
        f"{told['architecture']}",
        f"Cut after {told['layer']}: {say_count(n_units, 'map')} of {height} x {width} cells. "
        f"{say_count(before, 'parameter')} became {after:,} ({before / 1e6:.2f} M, {after / 1e6:.2f} M), "
        f"{told['parameters_head']:,} of them in the new head.",
    ]
    if told["network"]["weights_from"] == RANDOM:
        lines.append("The weights before the cut are random, too: give --weights for a network that has learned.")
    if told["registered"]:
        fit = name_command(f"fit --network {told['registered']} --images DIR --out FILE.safetensors")
        lines.append(f"Registered as {told['registered']}; weights: {told['weights']}. Next: {fit}")
    return lines
