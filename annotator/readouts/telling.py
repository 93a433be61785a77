"""What a read-out is worth and what it says, in lines of text."""

from collections.abc import Iterable, Mapping
from typing import Any

from annotator.readouts.models import Readout
from annotator.readouts.showing import ReadoutWanted, Shown
from annotator.written import print_bounds
from workers.engine.drawing.explanation import name_unit, tell_labels
from workers.engine.plurals import say_count

# Words, images and questions that are told of an answer.
N_SPEAKING = 5
# Photographs that cannot be read and are named.
N_UNREADABLE = 3
TOY = "A toy: some thousand captions teach words, not sentences."
# Figures of a report by task: how each is called, its key, the baselines beside it, and whether it is a share.
FIGURES: dict[str, list[tuple[str, str, list[tuple[str, str]]]]] = {
    Readout.Task.CLASSIFY: [
        ("accuracy", "accuracy", [("most frequent class", "accuracy_majority")]),
        ("average precision", "precision", [("chance", "precision_chance")]),
        ("average precision of pixels", "pixel_ap", [("center", "pixel_ap_center"), ("chance", "pixel_ap_chance")]),
        ("pointing", "pointing", [("center", "pointing_center")]),
    ],
    Readout.Task.REGRESS: [
        ("explained variance", "explained", []),
        ("absolute error", "absolute_error", [("mean", "absolute_error_of_mean")]),
        ("right sign", "sign", [("sign of most", "sign_of_most")]),
    ],
    Readout.Task.CLUSTER: [
        ("squared distance to the nearest", "distance", [("to random photographs", "distance_to_random_photographs")]),
    ],
    Readout.Task.VQA: [
        (
            "accuracy", "accuracy",
            [("image alone", "accuracy_image"), ("words alone", "accuracy_words"),
             ("first words", "accuracy_first_words"), ("most frequent answer", "accuracy_majority")],
        ),
    ],
    Readout.Task.CAPTION: [
        (name, key, [("nearest photograph's caption", f"{key}_nearest")])
        for name, key in (
            *((f"BLEU-{n}", f"bleu{n}") for n in (1, 2, 3, 4)), ("CIDEr", "cider"),
        )
    ],
}  # fmt: skip


def list_figures(readout: Readout) -> list[dict[str, Any]]:
    """Each figure that the report has: `name`, `value`, `low`, `high`, and `baselines` with the same keys."""
    report = readout.report
    return [
        {
            "name": name,
            **report[key],
            "baselines": [{"name": one, **report[own]} for one, own in others if own in report],
        }
        for name, key, others in FIGURES[readout.task]
        if key in report
    ]


def tell_fit(readout: Readout) -> str:
    report = readout.report
    lines = [
        f"{readout.name}: {readout.get_task_display()} by {say_count(report['n_units'], 'unit')} of {report['layer']}.",
        f"{report['n_training']:,} to train on, {report['n_test']:,} to test on; the split is {report['split']}. "
        f"{say_count(report['n_unreadable'], 'photograph')} unreadable{_name_some(report['unreadable'])}.",
    ]
    for figure in list_figures(readout):
        lines.append(f"{figure['name']}: {_tell_value(figure)}")
        lines += [f"  {one['name']}: {_tell_value(one)}" for one in figure["baselines"]]
    return "\n".join([*lines, *([TOY] if readout.is_toy else [])])


def _name_some(unreadable: Mapping[str, str]) -> str:
    some = [f"{path} ({reason})" for path, reason in list(unreadable.items())[:N_UNREADABLE]]
    return f": {', '.join(some)}" if some else ""


def _tell_value(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "not defined"
    return f"{figure['value']:.3f} {print_bounds(figure['low'], figure['high'])}"


def tell_list(readouts: Iterable[Readout]) -> list[str]:
    lines = []
    for one in readouts:
        first = next(iter(list_figures(one)), None)
        worth = f"; {first['name']} {_tell_value(first)}" if first else ""
        lines.append(f"{one.name}: {one.get_task_display()}, {one.get_state_display()}{worth}")
    return lines or ["There is no read-out yet; see `readout fit`."]


def tell_shown(shown: Shown, wanted: ReadoutWanted) -> str:
    lines = [f"{shown.prediction}{f' against {shown.against}' if shown.against else ''}: {shown.score:.2f}"]
    if shown.image_score is not None and shown.words is not None:
        of_words = shown.score - shown.image_score
        lines[0] += f" = {shown.image_score:.2f} [image] + {of_words:.2f} [word]"
    lines += [f"  {one['score']:+8.3f}  {one['word']}" for one in shown.words or []]
    lines += [
        f"  {unit['contribution']:+8.3f}  unit {unit['index']}: {name_unit(unit)}"
        + (f" ({tell_labels(unit)})" if tell_labels(unit) else "")
        for unit in shown.units
    ]
    lines.append(f"  {shown.rest:+8.3f}  all other units; bias {shown.bias:+.3f}")
    for kind, listed in shown.speaking.items():
        some = ", ".join(f"{name} ({score:+.2f})" for name, score in listed[:N_SPEAKING])
        lines.append(f"{kind} that speak for {shown.prediction}: {some}")
    return "\n".join([*lines, *shown.notes, *([TOY] if wanted.readout.is_toy else [])])
