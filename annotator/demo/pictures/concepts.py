"""One rendered concept picture: what picture number i of a seed shows, with its exact label maps.

A picture depends on (seed, index) alone: the same bytes on every run and for any number of processes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.demo.pictures import surroundings as lay
from annotator.demo.pictures.canvas import LABEL_PX, SIDE, Canvas, Labels, Pen, Pose, Tag, oval, rounded, smooth_noise
from annotator.demo.pictures.materials import MATERIALS
from annotator.demo.pictures.palette import name_colors
from annotator.demo.pictures.patterns import PATTERNS
from annotator.demo.pictures.scenes import SCENES
from annotator.demo.pictures.things.table import OBJECT_OF, THINGS

Kind = Literal["object", "scene", "texture", "material"]
# Materials that fill pictures of their own; others lie on walls and in windows only.
_DEALT_MATERIALS = ("brick", "fabric", "foliage", "fur", "metal", "paper", "stone", "wood")


def _deal() -> tuple[tuple[Kind, str], ...]:
    """One round of concepts, each as often as its share, with repetitions far apart."""
    shares: list[tuple[Kind, str, int]] = [("object", name, thing.share) for name, thing in THINGS.items()]
    shares += [("texture", name, 2) for name in PATTERNS]
    shares += [("scene", name, 1) for name in SCENES]
    shares += [("material", name, 1) for name in _DEALT_MATERIALS]
    turns = range(max(share for _, _, share in shares))
    return tuple((kind, name) for turn in turns for kind, name, share in shares if turn < share)


# The concepts in the order of the pictures: picture i shows DECK[i % len(DECK)].
DECK = _deal()


@dataclass(frozen=True)
class Picture:
    """A finished picture: (224, 224, 3) pixels and (112, 112) label maps by category; parts have two maps."""

    kind: Kind
    concept: str
    pixels: npt.NDArray[np.uint8]
    maps: dict[str, Labels]


def draw_picture(*, seed: int, index: int) -> Picture:
    """Draw picture `index` of the set with this seed."""
    kind, concept = DECK[index % len(DECK)]
    canvas = Canvas(np.random.default_rng(np.random.SeedSequence([seed, index])))
    if kind == "object":
        _draw_objects(canvas, concept)
    elif kind == "scene":
        SCENES[concept](canvas)
        canvas.set_scene(concept)
    else:
        _draw_surface(canvas, kind, concept)
    return _finish(canvas, kind, concept)


def _draw_objects(canvas: Canvas, concept: str) -> None:
    """An object, or some of them, in fitting surroundings."""
    rng, thing = canvas.rng, THINGS[concept]
    horizon = lay.around(canvas, thing.around)
    n = 1 if rng.random() < 0.45 else int(rng.integers(1, thing.crowd + 1))
    for k in range(n):
        size = float(rng.uniform(0.62, 1.0)) * SIDE * 0.44 / (1 + 0.42 * (n - 1))
        x = SIDE * ((k + 0.5) / n) + float(rng.normal(0, 0.05)) * SIDE
        y = SIDE * float(rng.uniform(0.36, 0.66))
        if thing.around in ("outdoors", "indoors"):
            y = SIDE * min(max(horizon + float(rng.uniform(0.1, 0.28)), 0.5), 0.97) - size * 0.8
            canvas.darken(x, y + size * 0.85, size, size * 0.14)
        elif thing.around == "loose":
            canvas.darken(x + size * 0.12, y + size * 0.16, size * 1.1, size * 1.1, 0.3)
        angle = np.radians(float(rng.uniform(-thing.tilt, thing.tilt)))
        pose = Pose(x=x, y=y, size=size, angle=float(angle), mirrored=bool(rng.random() < 0.5))
        thing.draw(Pen(canvas, pose, OBJECT_OF.get(concept, concept)))


def _draw_surface(canvas: Canvas, kind: Kind, concept: str) -> None:
    """A texture or material over the whole picture, or within one shape on a plain ground."""
    rng = canvas.rng
    surface = (PATTERNS if kind == "texture" else MATERIALS)[concept](rng).astype(np.float32)
    tag = Tag(texture=concept) if kind == "texture" else Tag(material=concept)
    if rng.random() < 0.7:
        canvas.cover(surface * canvas.grain[..., None], tag)
        return
    lay.plain(canvas)
    x, y = rng.uniform(0.38, 0.62, 2) * SIDE
    pose = Pose(float(x), float(y), float(rng.uniform(0.26, 0.4)) * SIDE, float(rng.uniform(-3, 3)))
    shape = oval(0, 0, 1.05, 1.05) if rng.random() < 0.5 else rounded(-1.05, -0.85, 1.05, 0.85, 0.12)
    canvas.darken(pose.x + 8, pose.y + 12, pose.size * 1.2, pose.size * 1.2, 0.4)
    canvas.paint([pose.place(shape)], surface, tag, shade=0.25)


def _finish(canvas: Canvas, kind: Kind, concept: str) -> Picture:
    """Light the picture, halve it, add noise, name its colors and read out the label maps."""
    rng = canvas.rng
    light = 1 + 0.1 * smooth_noise(rng, 1) + float(rng.normal(0, 0.05))
    lit = np.clip(canvas.rgb * light[..., None], 0, 1)
    half = (lit[::2, ::2] + lit[1::2, ::2] + lit[::2, 1::2] + lit[1::2, 1::2]) / 4
    half += rng.normal(0, float(rng.uniform(0.004, 0.02)), half.shape).astype(np.float32)
    pixels = (np.clip(half, 0, 1) * 255 + 0.5).astype(np.uint8)
    step = SIDE // LABEL_PX
    maps = {name: labels[step // 2 :: step, step // 2 :: step] for name, labels in canvas.maps.items()}
    small = np.asarray(Image.fromarray(pixels).resize((LABEL_PX, LABEL_PX), Image.Resampling.BOX))
    return Picture(kind=kind, concept=concept, pixels=pixels, maps={**maps, "color": name_colors(small)})
