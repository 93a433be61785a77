"""The options that the engine and its measures declare, as arguments of a command and as what a dissection records."""

from typing import Any

from django.core.management import CommandParser

from workers.engine.measures.options import list_chosen, list_declared, list_defaults
from workers.engine.measures.recorded import Option

# Recorded with every dissection, also if nobody asked: whoever reads the record looks for them.
ALWAYS_RECORDED = ("seed", "iou_modes")


LABELS_HELP = (
    "labels of the images: a COCO JSON, a CSV, a folder of label maps, folders (a photograph's folder is its label) or "
    "none. Default: found by look at the folder of images"
)


def add_option_arguments(parser: CommandParser) -> None:
    """One argument per option; an option that is not given stays None."""
    defaults = list_defaults()
    for name, stated in list_declared().items():
        flag = stated.flag or f"--{name.replace('_', '-')}"
        parser.add_argument(flag, dest=name, help=stated.help, **_describe_argument(defaults[name], stated))


def _describe_argument(default: Any, stated: Option) -> dict[str, Any]:
    if isinstance(default, bool):
        return {"action": "store_false" if default else "store_true", "default": None}
    if isinstance(default, tuple):
        return {"action": "append", "choices": stated.choices}
    if stated.choices:
        return {"choices": stated.choices}
    if stated.pattern:
        return {"metavar": "WHICH"}
    number: dict[str, Any] = {"type": int if isinstance(default, int) else float, "metavar": "N"}
    if stated.makes_several:
        return {**number, "nargs": "+", "metavar": "A"}
    return {**number, "nargs": "?", "const": stated.bare} if stated.bare is not None else number


def choose_options(given: dict[str, Any]) -> list[dict[str, Any]]:
    """What each dissection records: options that were asked for, those of ALWAYS_RECORDED, and what is chosen for new
    dissections.

    An option that makes several dissections is given as a list of its values.
    """
    asked: dict[str, Any] = {name: given[name] for name in list_declared() if given.get(name) is not None}
    defaults = list_defaults()
    kept = {name: defaults[name] for name in ALWAYS_RECORDED} | list_chosen()
    chosen = [{**kept, **asked}]
    for name in (name for name, stated in list_declared().items() if stated.makes_several and name in asked):
        values: list[Any] = asked.pop(name)
        chosen = [{**one, name: value} for one in chosen for value in values]
    return [{name: list(value) if isinstance(value, tuple) else value for name, value in one.items()} for one in chosen]
