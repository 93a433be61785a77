"""Read-outs: `readout fit`, `readout show`, `readout list`, `readout delete`."""

import json
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.network_arguments import read_network
from annotator.evidence.progress_bar import ProgressBar
from annotator.json_texts import json_argument
from annotator.readouts.fitting import begin_fit, cancel_fit, delete_readout, find_readout, wait_for_fit
from annotator.readouts.models import Readout
from annotator.readouts.picture import draw_shown
from annotator.readouts.showing import ReadoutWanted, ask_to_show, read_shown
from annotator.readouts.telling import tell_fit, tell_list, tell_shown
from annotator.units.asked_options import LABELS_HELP
from annotator.units.gpu_process import gpu_process_if_none
from annotator.units.sources import resolve_labels_at
from workers.engine.images.text_files import find_encoding
from workers.engine.networks.source_names import NETWORK_FORMS
from workers.engine.readouts.options import TASKS, Options

EXAMPLE = """

--data by task: classify: class folders, a labeled image set, or captions with --phrase; regress: a CSV of image and
target, or a labeled image set with --label; cluster: a folder; vqa: a CSV of image, question and answer, or VQA's JSON
files; caption: a CSV of image and caption, or COCO's JSON. Interrupted, the same command goes on.

examples:
  manage.py readout fit rooms --network NAME --task vqa --data qa.csv
  manage.py readout show rooms photo.jpg --question "what is on the desk" --picture why.png
  manage.py readout fit cows --network NAME --task classify --data DIR --category object --positive cow
"""
DEFAULTS = Options(data=("",))


class Command(ProjectCommand):
    help = "Fit linear models to the pooled units of a layer, and trace what they say to units (docs/readouts.md)."
    help += EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        add = parser.add_argument
        add("act", choices=["fit", "show", "list", "delete"], help="list: all read-outs; delete: one with its files")
        add("name", nargs="?", default="", help="of the read-out")
        add("file", nargs="?", type=Path, help="show: the photograph, at most 10 MiB")
        add("--json", action="store_true", help="fit: the figures with the baselines'; show: what is said, and why")
        _add_fit(parser)
        _add_show(parser)

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act != "list" and not options["name"]:
            raise CommandError("Say which read-out: its name follows.", returncode=2)
        lines = {"fit": self._fit, "show": self._show, "list": self._list, "delete": self._delete}[act](options)
        for line in lines:
            self.stdout.write(line)

    def _fit(self, options: dict[str, Any]) -> Iterator[str]:
        if options["cancel"]:
            ended = cancel_fit(find_readout(options["name"]), now=timezone.now())
            yield "The fit was canceled." if ended else "It is not being fitted."
            return
        for name in ("network", "task", "data"):
            if not options[name]:
                raise CommandError(f"fit needs --{name}.", returncode=2)
        layer = _find_one(options["layer"])
        stated = {name: options[name] for name in _list_options()}
        stated |= {"data": [_resolve(one) for one in options["data"]], "images": _resolve(options["images"])}
        stated["labels"] = resolve_labels_at(stated["data"][0], options["labels"])
        with gpu_process_if_none() as keeper:
            readout = begin_fit(
                name=options["name"], network=read_network(options), task=options["task"], layer=layer,
                options=stated, now=timezone.now(),
            )  # fmt: skip
            with ProgressBar() as show:
                wait_for_fit(readout, clock=timezone.now, show=show, look_after=keeper.look_after)
        yield json.dumps({"name": readout.name, **readout.report}, indent=2) if options["json"] else tell_fit(readout)

    def _show(self, options: dict[str, Any]) -> Iterator[str]:
        if options["file"] is None:
            raise CommandError("Say which photograph: its file follows the name.", returncode=2)
        for name, ending in (("picture", ".png"), ("map", ".npy")):
            _check_target(name, options[name], ending)
        wanted = ReadoutWanted(
            find_readout(options["name"]), options["question"], options["answer"], options["against"]
        )  # fmt: skip
        photograph = asking.Photograph.read(options["file"])
        with gpu_process_if_none() as keeper:
            question = ask_to_show(wanted=wanted, photograph=photograph, now=timezone.now())
            asking.wait_for_answer(question, clock=timezone.now, look_after=keeper.look_after)
        shown = read_shown(question)
        if options["picture"]:
            options["picture"].write_bytes(draw_shown(shown, photograph=photograph.content, readout=wanted.readout))
        if options["map"]:
            np.save(options["map"], np.array(shown.map))
        yield json.dumps(shown.to_json(), indent=2) if options["json"] else tell_shown(shown, wanted)

    def _list(self, options: dict[str, Any]) -> Iterable[str]:
        return tell_list(Readout.objects.all())

    def _delete(self, options: dict[str, Any]) -> Iterator[str]:
        delete_readout(find_readout(options["name"]))
        yield f"{options['name']} was deleted."


def _find_one(layers: list[str]) -> str:
    """Empty if none is named."""
    if len(layers) > 1:
        raise CommandError("A read-out reads one layer: fit one for each --layer.", returncode=2)
    return "".join(layers)


def _list_options() -> list[str]:
    return [name for name in vars(DEFAULTS) if name not in ("data", "images")]


def _add_fit(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("fit").add_argument
    add("--network", default="", help=f"a registered network's name, {NETWORK_FORMS}")
    add("--weights", default="", help=".safetensors or .pth; a file or s3://; none: random weights")
    add("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")
    add("--layer", action="append", default=[], help="whose units are pooled; default: the layer that the head pools")
    add("--task", choices=TASKS, help="what is fitted")
    add("--data", nargs="+", default=[], metavar="PATH", help="what it is fitted to")
    add(
        "--images",
        default="",
        metavar="DIR",
        help="the photographs, if they lie neither beside the data nor in images/",
    )
    add("--labels", default="", metavar="PATH", help=LABELS_HELP)
    add("--below", default="", metavar="PREFIX", help="only photographs of the set whose path begins so")
    add("--category", default="", help="only labels of this category of a labeled set")
    add("--label", default="", help="regress: the share of a photograph that this label covers, less its mean")
    add("--positive", default="", metavar="CLASS", help="classify: two classes, this one and all others")
    add("--phrase", default="", help="classify: photographs with a caption that holds these words, and others")
    add(
        "--hard-negatives", type=int, default=DEFAULTS.hard_negatives, metavar="ROUNDS",
        help="classify: begin with few negatives, and add those of highest score so many times; default: 0, all",
    )  # fmt: skip
    add("--test-share", type=float, default=DEFAULTS.test_share, help="of photographs, if the data do not say; "
        f"default: {DEFAULTS.test_share}")  # fmt: skip
    add("--test", type=_read_lines, default=(), metavar="FILE", help="the photographs to test on, one path a line, in "
        "place of a share")  # fmt: skip
    add("--min-images", type=int, default=DEFAULTS.min_images, help="classify: least photographs of a label of a "
        f"labeled set; default: {DEFAULTS.min_images}")  # fmt: skip
    add("--clusters", type=int, default=DEFAULTS.clusters, help=f"default: {DEFAULTS.clusters}")
    add("--epochs", type=int, default=0, help="vqa, caption: default: the task's own")
    add("--c", type=float, default=0.0, help="classify: inverse strength of the penalty; default: by cross-validation")
    add(
        "--seed", type=int, default=0, help="of the fit, and of the split where photographs are drawn (default 0); "
        "that of class folders is the same for every seed",
    )  # fmt: skip
    add("--cancel", action="store_true", help="end a fit that another command asked for")


def _add_show(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("show").add_argument
    add("--question", default="", help="of read-outs that answer questions")
    add("--answer", default="", help="explain this answer in place of the first one")
    add("--against", default="", metavar="ANSWER", help="explain what makes the difference from this answer")
    add("--picture", type=Path, metavar="FILE.png", help="draw the map over the photograph, and the shares")
    add("--map", type=Path, metavar="FILE.npy", help="keep the map, signed, at the size of the layer")


def _read_lines(name: str) -> tuple[str, ...]:
    """The lines of a file that hold something. Raises ArgumentTypeError."""
    try:
        lines = Path(name).read_text(encoding=find_encoding(Path(name))).splitlines()
    except OSError as error:
        raise ArgumentTypeError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise ArgumentTypeError(f"{name} is not UTF-8 text") from None
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise ArgumentTypeError(f"{name} lists nothing")
    return found


def _resolve(address: str) -> str:
    if not address or address.startswith("s3://"):
        return address
    path = Path(address)
    if not path.exists():
        raise CommandError(f"There is nothing at {address}.", returncode=2)
    return asking.resolve_path(path)


def _check_target(name: str, path: Path | None, ending: str) -> None:
    if path is None:
        return
    if path.suffix.lower() != ending:
        raise CommandError(f"--{name} takes a name that ends with {ending}.", returncode=2)
    if not path.absolute().parent.is_dir():
        raise CommandError(f"There is no folder {path.absolute().parent}.", returncode=2)
