"""A localization's answer as lines of text, and as one HTML file with the photographs of worst and best boxes."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from django.template.loader import render_to_string

from annotator.evidence.models import Question
from annotator.written import print_bounds
from workers import contract
from workers.engine.plurals import say_count
from workers.store import NotStored, Store, open_store

ROWS = (
    ("top1", "top-1 class"),
    ("top5", "top-5 class"),
    ("gt_known", "true class, box over 20 % of the maximum"),
    ("off_centre_gt_known", "the same, where the center box fails"),
    ("top1_localization", "top-1 localization"),
    ("top5_localization", "top-5 localization"),
    ("top5_authors", "top-5 localization, the authors' guesses"),
    ("v1", "MaxBoxAcc V1"),
    ("v2", "MaxBoxAcc V2"),
    ("pxap", "PxAP, average precision of the map's pixels"),
    ("object_share", "pixels of objects: the PxAP of a map that knows nothing"),
    ("centre_gaussian_pxap", "centered Gaussian, PxAP"),
    ("centre_box", "center box, .8 of the side"),
    ("centre_gaussian_v2", "centered Gaussian, V2"),
)


def tell_counts(answer: Mapping[str, Any]) -> str:
    taus = answer.get("tau_from")
    chosen = (
        f" Thresholds (tau) were chosen on {say_count(taus['n_images'], 'photograph')} of {taus['boxes']}."
        if taus
        else ""
    )
    off_center = f"{answer['n_off_centre']} of them off-center, " if "n_off_centre" in answer else ""
    empty = answer.get("n_without_map", 0)
    said = (
        f" {say_count(empty, 'class map gives', 'class maps give')} no box of its own: the whole photograph stands for "
        "it."
        if empty
        else ""
    )
    return (
        f"{say_count(answer['n_images'], 'photograph')}, {off_center}{answer['n_unreadable']} unreadable; "
        f"maps of {answer['head']['layer']}.{said}{chosen}"
    )


def tell_scores(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each score in percent with its interval, and what it is."""
    for name, words in ROWS:
        if name not in answer:
            continue  # with masks some scores are measured, with boxes others
        if answer[name] is None:
            yield "    –             ", f"{words}: there are no such photographs"
            continue
        tau = _tell_taus(answer, name)
        bounds = print_bounds(answer[f"{name}_low"], answer[f"{name}_high"], ".1f")
        yield f"{answer[name]:5.1f} {bounds}", f"{words}{tau}"


def _tell_taus(answer: Mapping[str, Any], name: str) -> str:
    taus = [answer[f"{name}_tau"]] if f"{name}_tau" in answer else answer.get(f"{name}_taus", [])
    if not taus:
        return ""
    where = "other photographs" if answer.get("tau_from") else "these photographs"
    return f", tau {' / '.join(f'{tau:.2f}' for tau in taus)} chosen on {where}"


def render_report(question: Question) -> str:
    """One HTML file that needs no other: scores, then the photographs with both kinds of boxes."""
    store = open_store(question.folder)
    groups = [
        {"title": words, "shown": [{**one, "address": _embed(store, one["picture"])} for one in shown]}
        for words, shown in list_shown(question.answer)
    ]
    return render_to_string(
        "evidence/localization.html",
        {
            "network": question.architecture,
            "counts": tell_counts(question.answer),
            "scores": list(tell_scores(question.answer)),
            "groups": groups,
        },
    )


def list_shown(answer: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The photographs of a report in groups; `picture` is the name of each one's picture in the question's folder. With
    masks there are none.
    """
    for words, group in (("Where the box is worst", "worst"), ("Where it is best", "best")):
        if group not in answer:
            continue
        yield (
            words,
            [{**one, "picture": contract.picture_name(group, place)} for place, one in enumerate(answer[group])],
        )


def _embed(store: Store, name: str) -> str:
    """A picture as a data address; empty if there is none."""
    try:
        return "data:image/jpeg;base64," + base64.b64encode(store.read(name)).decode()
    except NotStored:
        return ""
