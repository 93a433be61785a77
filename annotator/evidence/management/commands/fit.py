"""Teaches a network that surgery makes the classes of a set of photographs."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.fitting import Destination, ask_for_fit, cancel_fits, keep_networks
from annotator.evidence.network_arguments import add_head_arguments, add_network_arguments, read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.evidence.published_figures import CLASSIFICATION, read_published, tell_published
from annotator.units.gpu_process import gpu_process_if_none
from annotator.written import print_bounds
from workers.engine.networks.surgery_recipe import SURGERY, HeadKind, Recipe
from workers.engine.plurals import say_count

MAX_CLASSES_TOLD = 20
EXAMPLE = """

DIR holds one folder of photographs per class, or train and val with one folder per class each. Without --whole, the
maps of the layer where the network is cut are computed once, and only the head learns. A quarter of each class is for
the test and 15 % decide when to stop, if the folders do not say. Interrupted, the same command goes on where the last
checkpoint was written; with --cancel it ends for good.

example: manage.py fit --network torchvision:squeezenet1_1 --weights FILE.safetensors --layer features.12 \\
    --head gap --head gmp --convolutions 0 --seeds 3 --images DIR --out squeeze.safetensors
"""


class Command(ProjectCommand):
    help = "Teach a network with a new head the classes of photographs, and say how often it errs." + EXAMPLE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add_network_arguments(parser)
        parser.add_argument("--images", required=True, type=Path, metavar="DIR", help="class folders, or a labeled set")
        parser.add_argument(
            "--category", default="",
            help="of a set in Broden's layout: its labels of whole images are the classes",
        )  # fmt: skip
        parser.add_argument("--layer", default="", help="cut the network after it; not for one that surgery made")
        add_head_arguments(parser, is_repeated=True)
        parser.add_argument("--whole", action="store_true", help="layers before the head learn too, a tenth as fast")
        parser.add_argument("--seeds", type=int, default=1, help="runs of each head; default: 1")
        parser.add_argument("--epochs", type=int, default=100, help="at most; default: 100")
        parser.add_argument(
            "--patience", type=int, default=10,
            help="stop after so many epochs without a lower loss on the validation part; default: 10",
        )  # fmt: skip
        parser.add_argument("--batch-size", type=int, default=32, help="default: 32")
        parser.add_argument("--learning-rate", type=float, default=1e-3, help="default: 0.001")
        parser.add_argument("--no-mirror", action="store_true", help="show no photograph mirrored")
        parser.add_argument("--out", type=Path, metavar="FILE.safetensors", help="keep the network; none: figures only")
        parser.add_argument(
            "--name", default="", help="under which the network is registered; default: the file's name"
        )
        parser.add_argument("--cancel", action="store_true", help="end the same fit, which another command asked for")
        parser.add_argument("--json", action="store_true", help="print all of it; errors are shares")

    def handle(self, *args: Any, **options: Any) -> None:
        network = read_network(options)
        heads = _choose_heads(network.architecture, options)
        wanted = _choose(options, heads)
        if options["cancel"]:
            n_ended = cancel_fits(network=network, options=wanted, now=timezone.now())
            self.stdout.write("The fit was canceled." if n_ended else "There is no such fit to cancel.")
            return
        destination = None
        if options["out"]:
            destination = Destination.plan(out=options["out"], name=options["name"], heads=heads)
        with gpu_process_if_none() as keeper:
            question = ask_for_fit(network=network, options=wanted, now=timezone.now())
            with ProgressBar() as show:
                answer = asking.wait_for_answer(question, clock=timezone.now, show=show, look_after=keeper.look_after)
        kept = keep_networks(question, answer["heads"], destination, now=timezone.now()) if destination else []
        if options["json"]:
            networks = [{"name": one.name, "weights": one.weights} for one in kept]
            published = read_published(CLASSIFICATION)
            self.stdout.write(json.dumps({**answer, "registered": networks, "published": published}, indent=2))
            return
        self.stdout.write("\n".join([*_tell(answer), *_tell_kept(kept), *tell_published(CLASSIFICATION)]))


def _choose_heads(architecture: str, options: Mapping[str, Any]) -> list[str]:
    """The kinds of heads that are taught."""
    if not architecture.startswith(SURGERY):
        if not options["layer"]:
            raise CommandError("Say with --layer after which layer the network is cut.", returncode=2)
        return options["head"] or [HeadKind.GAP.value]
    if options["layer"] or options["head"]:
        raise CommandError("The network was cut already; leave out --layer and --head.", returncode=2)
    return [Recipe.parse(architecture).head.value]


def _choose(options: Mapping[str, Any], heads: list[str]) -> dict[str, Any]:
    """What is asked, as the GPU process takes it; a network that was cut keeps its own head."""
    names = ("category", "seeds", "epochs", "patience", "batch_size", "learning_rate")
    cutting = {name: options[name] for name in ("layer", "convolutions", "units")}
    return {
        "images": asking.resolve_path(options["images"]),
        **{name: options[name] for name in names},
        **({**cutting, "heads": heads} if options["layer"] else {}),
        "is_whole": options["whole"],
        "mirrors": not options["no_mirror"],
    }


def _tell(answer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{say_count(answer['n_classes'], 'class')}; {say_count(answer['n_training'], 'photograph')} to train on, "
        f"{answer['n_validation']} to decide when to stop, {answer['n_test']} to test on, {answer['n_unreadable']} "
        f"unreadable{_name_unreadable(answer)}."
    ]
    for told in answer["heads"]:
        lines += _tell_head(told)
    for pair in answer["compared"]:
        bounds = print_bounds(_percent(pair["low"]), _percent(pair["high"]), "+.1f")
        lines.append(
            f"{pair['first']} minus {pair['second']}: {100 * pair['value']:+.1f} {bounds} points of error on the same "
            "photographs."
        )
    return lines


def _name_unreadable(answer: Mapping[str, Any]) -> str:
    named = ", ".join(answer["unreadable"])
    return f" ({named}{', ...' if answer['n_unreadable'] > len(answer['unreadable']) else ''})" if named else ""


def _tell_head(told: Mapping[str, Any]) -> list[str]:
    seeds = ", ".join(f"{100 * run['top1_error']:.1f}" for run in told["seeds"])
    epochs = ", ".join(str(run["n_epochs"]) for run in told["seeds"])
    lines = [
        f"{told['head']}: {say_count(told['parameters_head'], 'parameter')} in the head, {told['parameters']:,} in "
        f"all. Error {_interval(told, 'top1_error')} % (by seed {seeds}; epochs {epochs})."
    ]
    if told["top5_error"] is not None:
        lines.append(f"  not among five: {_interval(told, 'top5_error')} %")
    worst = sorted(told["classes"], key=lambda one: -(one["error"] or 0))[:MAX_CLASSES_TOLD]
    lines += [_tell_class(one) for one in worst if one["error"] is not None]
    n_more = len(told["classes"]) - len(worst)
    return [*lines, f"  and {say_count(n_more, 'class')} of lower error"] if n_more else lines


def _tell_class(one: Mapping[str, Any]) -> str:
    low, high = 100 * one["low"], 100 * one["high"]
    return f"  {100 * one['error']:5.1f} [{low:.1f}, {high:.1f}]  {one['name']} ({one['n_test']})"


def _interval(told: Mapping[str, Any], name: str) -> str:
    bounds = print_bounds(_percent(told[f"{name}_low"]), _percent(told[f"{name}_high"]), ".1f")
    return f"{100 * told[name]:.1f} {bounds}"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _tell_kept(kept: list[Any]) -> list[str]:
    return [f"Registered as {one.name}; weights: {one.weights}." for one in kept]
