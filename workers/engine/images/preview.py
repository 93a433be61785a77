"""What was understood of an image set, before a network reads it: in words, and as a page of pictures with labels."""

import base64
import colorsys
import html
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engine.images.decoding import ImageUnreadable, decode_image, read_size
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable, LabelRuns
from workers.engine.images.passed_over import show_path
from workers.engine.plurals import say_count

PICTURE_PX = 360
TINT = 0.55
MAX_FAULTS, MAX_NAMES = 20, 12


@dataclass(frozen=True)
class Shown:
    """One image as the page shows it: its picture with labels drawn, and each label's color and share of the pixels."""

    path: str
    picture: Image.Image
    shares: Mapping[int, float]
    whole: Sequence[int]


@dataclass
class Preview:
    """What was found. `pixels`: labeled pixels by label number in the images read; `faults`: path and reason."""

    layout: str
    image_set: ImageSet
    n_read: int = 0
    shown: list[Shown] = field(default_factory=list)
    pixels: Counter[int] = field(default_factory=Counter)
    carriers: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def name(self, number: int) -> str:
        labels = self.image_set.labels
        return next((label.name for label in labels.labels if label.number == number), "") if labels else ""


def preview(image_set: ImageSet, *, layout: str, n_shown: int, is_whole: bool) -> Preview:
    """Read `n_shown` images, spread evenly over the set, with their labels; with `is_whole` all others, too. What
    cannot be read is a fault, never an error.
    """
    found = Preview(layout, image_set)
    n_images = len(image_set.paths)
    chosen = {round(place) for place in np.linspace(0, n_images - 1, min(n_shown, n_images))}
    for index in range(n_images) if is_whole else sorted(chosen):
        found.n_read += 1
        try:
            runs = image_set.read_labels(index) if image_set.labels is not None else None
            if runs is not None:
                _count(found, runs)
            pixels = _decode(image_set, index)
            if index in chosen:
                found.shown.append(_show(image_set, index, runs, pixels))
        except (ImageUnreadable, LabelMapUnreadable) as error:
            found.faults.append((show_path(image_set.paths[index]), str(error)))
    return found


def _slots(runs: LabelRuns) -> Iterator[tuple[bool, NDArray[np.uint16], NDArray[np.int64]]]:
    """Of each slot: whether it is of the whole image, the labels of its runs and their pixels."""
    for slot, is_whole in enumerate(runs.slot_whole):
        some = slice(int(runs.slot_start[slot]), int(runs.slot_start[slot + 1]))
        ends = np.append(runs.run_start[some][1:], runs.height * runs.width)
        yield bool(is_whole), runs.run_label[some], np.asarray(ends - runs.run_start[some], dtype=np.int64)


def _count(found: Preview, runs: LabelRuns) -> None:
    carried = set()
    for _, labels, lengths in _slots(runs):
        for label, length in zip(labels.tolist(), lengths.tolist(), strict=True):
            if label:
                found.pixels[label] += length
                carried.add(label)
    found.carriers.update(carried)


def _decode(image_set: ImageSet, index: int) -> NDArray[np.uint8]:
    """Raises ImageUnreadable."""
    return decode_image(
        image_set.root / image_set.paths[index],
        input_px=PICTURE_PX,
        resize="warp",
        interpolation="bilinear",
        map_size=image_set.find_map_size(index),
    )


def _show(image_set: ImageSet, index: int, runs: LabelRuns | None, pixels: NDArray[np.uint8]) -> Shown:
    size = read_size(image_set.root / image_set.paths[index])
    scale = PICTURE_PX / max(size.values())
    sides = max(1, round(size["width"] * scale)), max(1, round(size["height"] * scale))
    picture = np.asarray(Image.fromarray(pixels).resize(sides)).astype(np.float64)
    shares: dict[int, float] = {}
    whole: list[int] = []
    for is_whole, labels, lengths in _slots(runs) if runs is not None else ():
        if is_whole:
            whole += [int(label) for label in labels if label]
            continue
        flat = np.repeat(labels, lengths).reshape(runs.height, runs.width) if runs is not None else labels
        drawn = np.asarray(Image.fromarray(flat.astype(np.int32)).resize(sides, Image.Resampling.NEAREST))
        for label in (int(one) for one in np.unique(flat) if one):
            shares[label] = shares.get(label, 0.0) + float((flat == label).mean())
            here = drawn == label
            picture[here] = (1 - TINT) * picture[here] + TINT * np.array(find_color(label))
    return Shown(image_set.paths[index], Image.fromarray(picture.astype(np.uint8)), shares, whole)


def find_color(number: int) -> tuple[int, int, int]:
    """A color for a label number: neighbors lie far apart."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.85, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def say(found: Preview) -> list[str]:
    """The lines for a terminal."""
    image_set, labels = found.image_set, found.image_set.labels
    lines = [f"Layout: {found.layout}.", f"{say_count(len(image_set.paths), 'image')} below {image_set.root}."]
    if labels is None:
        lines.append("The images carry no labels: units get top images and crops, and no IoU.")
    else:
        categories = ", ".join(labels.categories)
        lines.append(f"{say_count(len(labels.labels), 'label')} in the categories {categories}; {_say_labels(found)}")
    lines += image_set.notes
    lines += [f"{one.words()}." for one in image_set.passed_over]
    lines += [f"Not usable: {path}: {reason}." for path, reason in found.faults[:MAX_FAULTS]]
    if len(found.faults) > MAX_FAULTS:
        lines.append(f"Not usable: {len(found.faults) - MAX_FAULTS} more.")
    good = found.n_read - len(found.faults)
    read = say_count(found.n_read, "image that was read is", "images that were read are")
    lines.append(f"{good} of {read} usable{' with labels' if labels else ''}.")
    return lines


def _say_labels(found: Preview) -> str:
    if not found.pixels:
        return f"none of them in the {say_count(found.n_read, 'image that was', 'images that were')} read."
    most = found.pixels.most_common(MAX_NAMES)
    named = ", ".join(f"{found.name(number)} ({found.carriers[number]})" for number, _ in most)
    more = f" and {len(found.pixels) - len(most)} more" if len(found.pixels) > len(most) else ""
    return f"in the {say_count(found.n_read, 'image')} read, by pixels (and in how many images): {named}{more}."


STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
figure { margin: 0; } img { max-width: 100%; height: auto; border-radius: 4px; display: block; }
figcaption { font-size: .875rem; margin-top: .4rem; overflow-wrap: anywhere; }
i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; }
span { display: inline-block; margin-right: .8em; }
"""


def write_page(found: Preview, *, title: str) -> str:
    """A page of HTML that needs no other file: the lines, then each picture with its labels."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in say(found))
    figures = "".join(_write_figure(found, one) for one in found.shown)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{html.escape(title)}</h1>{lines}<main>{figures}</main></body></html>"
    )


def _write_figure(found: Preview, one: Shown) -> str:
    file = io.BytesIO()
    one.picture.save(file, "JPEG", quality=88)
    data = base64.b64encode(file.getvalue()).decode()
    whole = [f"{html.escape(found.name(number))} (whole image)" for number in one.whole]
    drawn = [
        f'<i style="background:rgb{find_color(number)}"></i>{html.escape(found.name(number))} {100 * share:.1f} %'
        for number, share in sorted(one.shares.items(), key=lambda item: -item[1])
    ]
    labels = "".join(f"<span>{label}</span>" for label in [*whole, *drawn]) or "no labels"
    path = html.escape(show_path(one.path))
    image = f'<img src="data:image/jpeg;base64,{data}" alt="{path}">'
    return f"<figure>{image}<figcaption>{path}<br>{labels}</figcaption></figure>"
