"""Rows and crops to test the crowd on: a dissection of small drawn tiles, and a campaign over its units."""

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pixels

from annotator.crowd.campaigns.composing import compose_campaign
from annotator.crowd.campaigns.questions import Question, compose_questions
from annotator.crowd.campaigns.quoting import quote_campaign
from annotator.crowd.campaigns.unit_choice import ChosenUnit, list_units
from annotator.crowd.models import HIT, Answer, Assignment, Campaign, HITType, HITUnit
from annotator.units.models import (
    AutomaticLabel,
    DissectedUnit,
    Dissection,
    Image,
    ImageSet,
    Layer,
    Network,
    TopImage,
    Unit,
)
from tests.snapshots import made_once
from workers.engine.measures.activation_vectors.arrays import IMAGES, MAXIMA, MEANS, vector_name
from workers.engine.measures.options import list_defaults
from workers.store import open_store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TILE_PX = 32


def draw_strip(*, seed: int, n_tiles: int, tile_px: int) -> bytes:
    """A strip whose tile r is a plain color of its own with a lit square, so that a test can tell tiles apart."""
    strip = np.zeros((n_tiles * tile_px, tile_px, 3), np.uint8)
    for rank in range(n_tiles):
        strip[rank * tile_px : (rank + 1) * tile_px] = color_of(seed=seed, rank=rank)
    encoded = io.BytesIO()
    Pixels.fromarray(strip).save(encoded, "JPEG", quality=95)
    return encoded.getvalue()


def color_of(*, seed: int, rank: int) -> tuple[int, int, int]:
    """Colors 24 apart in each channel survive two JPEG encodings."""
    number = rank + 7 * seed
    return (20 + number % 9 * 26, 20 + number // 9 % 9 * 26, 60 + 90 * (seed % 3))


@made_once
def make_dissection(
    root: Path, *, n_units: int = 4, n_top: int = 57, n_low: int = 12, tile_px: int = TILE_PX, name: str = "net"
) -> Dissection:
    network = Network.objects.create(name=name, architecture="unitscope:test", registered_at=NOW)
    layer = Layer.objects.create(network=network, path="features.3", n_units=n_units)
    image_set = ImageSet.objects.create(name=f"{name}-set", address=str(root), n_images=100, registered_at=NOW)
    images = Image.objects.bulk_create([Image(image_set=image_set, index=i, path=f"{i}.jpg") for i in range(100)])
    artifact = f"file://{root}/artifact-{name}"
    dissection = Dissection.objects.create(
        network=network,
        image_set=image_set,
        layer_paths=["features.3"],
        options={name: n for name, n in (("n_top", n_top), ("n_low", n_low)) if n != list_defaults()[name]},
        state="done",
        artifact_name=artifact,
        created_at=NOW,
    )
    for index in range(n_units):
        unit = Unit.objects.create(layer=layer, index=index)
        strip = draw_strip(seed=index, n_tiles=n_top + n_low, tile_px=tile_px)
        sha256 = hashlib.sha256(strip).hexdigest()
        open_store(artifact).write(f"tiles/{sha256[:2]}/{sha256}.jpg", strip)
        row = DissectedUnit.objects.create(
            dissection=dissection, unit=unit, threshold=1.0, peak_low=0.0, peak_high=2.0,
            n_top=n_top, n_low=n_low, tile_px=tile_px, strip=sha256,
        )  # fmt: skip
        TopImage.objects.bulk_create(
            TopImage(
                dissected_unit=row,
                image=images[rank],
                rank=rank,
                is_low=rank >= n_top,
                peak=2.0 - rank / 100,
                peak_row=1,
                peak_column=1,
                crop_left=0,
                crop_top=0,
                crop_side=64,
            )
            for rank in range(n_top + n_low)
        )
        AutomaticLabel.objects.create(
            dissection=dissection, unit=unit, source=str(dissection.pk), mode="paper", category="object",
            label=f"gadget {index}", iou=0.02 * (index + 1), is_best=True,
        )  # fmt: skip
    return dissection


def draw_photographs(dissection: Dissection) -> None:
    """A file for each image of the set, half as high as it is wide, in a color of its own."""
    for image in dissection.image_set.images.all():
        color = color_of(seed=0, rank=image.index)
        Pixels.new("RGB", (64, 32), color).save(Path(dissection.image_set.address) / image.path, quality=95)


def keep_vectors(
    dissection: Dissection,
    maxima: NDArray[Any],
    *,
    means: NDArray[Any] | None = None,
    images: NDArray[np.int32] | None = None,
) -> None:
    """As `dissect --activation-vectors` does: (images, units) of the images at these places, or of all."""
    rows = np.arange(len(maxima), dtype=np.int32) if images is None else images
    kept: dict[str, NDArray[Any]] = {
        IMAGES: rows,
        MAXIMA: maxima.astype(np.float16),
        MEANS: (maxima if means is None else means).astype(np.float16),
    }
    for name, array in kept.items():
        content = io.BytesIO()
        np.save(content, array)
        open_store(dissection.artifact).write(vector_name(0, name), content.getvalue())
    dissection.options = dissection.options | {"activation_vectors": True}
    dissection.save(update_fields=["options"])


def make_questions_campaign(questions: Sequence[Question], *, template: str, **changes: Any) -> Campaign:
    """Composed and quoted."""
    values: dict[str, Any] = {
        "name": "study", "marketplace": "own", "reward_usd": Decimal("0.06"), "budget_cap_usd": Decimal("100.00"),
        "seed": 7, "created_at": NOW,
    } | changes  # fmt: skip
    campaign = Campaign(**values)
    compose_questions(campaign, template=template, questions=questions)
    quote_campaign(campaign=campaign, now=NOW)
    return campaign


def make_campaign(
    dissection: Dissection, *, is_quoted: bool = True, phrases: dict[int, str] | None = None, **changes: Any
) -> Campaign:
    values: dict[str, Any] = {
        "name": "try",
        "marketplace": "own",
        "reward_usd": Decimal("0.50"),
        "budget_cap_usd": Decimal("100.00"),
        "seed": 7,
        "created_at": NOW,
        "template": "unit_semantics",
    } | changes
    units = [ChosenUnit(unit, "named") for unit in list_units([dissection])]
    template = values.pop("template")
    campaign = Campaign(**values)
    compose_campaign(campaign, template=template, units=units, phrases=phrases)
    if is_quoted:
        quote_campaign(campaign=campaign, now=NOW)
    return campaign


def make_hit(*, hit_type: HITType, unit: Unit, dissected_unit: DissectedUnit | None = None, **values: Any) -> HIT:
    """A HIT of one unit."""
    values = {"seed": 0, "n_assignments": 3} | values
    hit = HIT.objects.create(campaign=hit_type.campaign, hit_type=hit_type, question_key=str(unit.pk), **values)
    HITUnit.objects.create(hit=hit, unit=unit, dissected_unit=dissected_unit)
    return hit


def make_answer(*, hit: HIT, **values: Any) -> Assignment:
    """An assignment of a HIT of one unit, and what it says; columns of both tables by name."""
    said = {name: values.pop(name) for name in list(values) if name in ANSWER_COLUMNS}
    assignment = Assignment.objects.create(hit=hit, **values)
    Answer.objects.create(assignment=assignment, hit_unit=hit.hit_units.get(), **({"says": {}} | said))
    return assignment


ANSWER_COLUMNS = {field.name for field in Answer._meta.concrete_fields} - {"id", "assignment", "hit_unit"}
