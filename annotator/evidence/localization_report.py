"""A localization's answer as lines of text, and as one HTML file with the photographs of worst and best boxes."""

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from PIL import Image, ImageDraw, ImageOps

ROWS = (
    ("top1", "top-1 class"),
    ("top5", "top-5 class"),
    ("gt_known", "true class, box by `paper`"),
    ("top1_localization", "top-1 localization"),
    ("top5_localization", "top-5 localization"),
    ("top5_authors", "top-5 localization, the authors' guesses"),
    ("v1", "MaxBoxAcc V1"),
    ("v2", "MaxBoxAcc V2"),
    ("centre_box", "center box, .8 of the side"),
    ("centre_gaussian_v2", "centered Gaussian, V2"),
    ("off_centre_gt_known", "true class, `paper`, where the center box fails"),
)
SIDE_PX = 240
# Colorblind-safe: the photograph's boxes are light with a dark rim, the network's is orange.
TRUE_COLOR, RIM_COLOR, FOUND_COLOR = (255, 255, 255), (0, 0, 0), (230, 120, 0)


def tell_counts(answer: Mapping[str, Any]) -> str:
    return (
        f"{answer['n_images']} photographs, {answer['n_off_centre']} of them off-centre, "
        f"{answer['n_unreadable']} unreadable; maps of {answer['head']['layer']}."
    )


def tell_scores(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each score in percent with its interval, and what it is."""
    for name, words in ROWS:
        if answer[name] is None:
            yield "    –             ", f"{words}: there are no such photographs"
            continue
        tau = f", tau {answer[f'{name}_tau']:.2f} chosen on these photographs" if f"{name}_tau" in answer else ""
        yield f"{answer[name]:5.1f} [{answer[f'{name}_low']:.1f}, {answer[f'{name}_high']:.1f}]", f"{words}{tau}"


def render_report(answer: Mapping[str, Any], *, network: str, folder: Path) -> str:
    """One HTML file that needs no other: scores, then the photographs of the folder with both kinds of boxes."""
    groups = [
        {"title": title, "shown": [{**one, "picture": _draw(folder / one["path"], one)} for one in answer[name]]}
        for title, name in (("Where the box is worst", "worst"), ("Where it is best", "best"))
    ]
    return render_to_string(
        "evidence/localization.html",
        {"network": network, "counts": tell_counts(answer), "scores": list(tell_scores(answer)), "groups": groups},
    )


def _draw(path: Path, shown: Mapping[str, Any]) -> str:
    """The photograph with its boxes as a data address; empty if it cannot be read any more."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    picture.thumbnail((SIDE_PX, SIDE_PX))
    across, down = picture.width / shown["width"], picture.height / shown["height"]
    pen = ImageDraw.Draw(picture)

    def frame(box: list[float], color: tuple[int, int, int], width: int) -> None:
        x0, y0, x1, y1 = box
        pen.rectangle((x0 * across, y0 * down, x1 * across - 1, y1 * down - 1), outline=color, width=width)

    for box in shown["boxes"]:
        frame(box, RIM_COLOR, 4)
        frame(box, TRUE_COLOR, 2)
    frame(shown["box"], FOUND_COLOR, 3)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
