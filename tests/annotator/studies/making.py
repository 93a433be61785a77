"""A study of drawn photographs whose truth is known, and people who answer it."""

from io import StringIO
from pathlib import Path

import numpy as np
from django.core.management import call_command

from annotator.crowd.models import Answer, Assignment, Campaign, Worker
from annotator.units.models import Dissection
from tests.annotator.crowd.making import NOW

N_IMAGES, N_UNITS = 100, 6
GENERATOR = np.random.default_rng(11)
HELD = GENERATOR.random((N_IMAGES, N_UNITS)) < 0.3
VECTORS = (GENERATOR.normal(size=(N_IMAGES, N_UNITS)) + 4 * HELD).astype(np.float16)


def run(*words: str) -> str:
    out = StringIO()
    call_command("study", *words, stdout=out)
    return out.getvalue()


def write_csv(path: Path, texts: dict[int, str]) -> Path:
    path.write_text("layer,unit,phrase\n" + "".join(f"features.3,{unit},{text}\n" for unit, text in texts.items()))
    return path


def plan(dissection: Dissection, folder: Path, *words: str) -> str:
    """Labeled pixels say the truth here; a file says another unit's truth, and of unit 0 the same as the pixels."""
    wrong = {unit: f"gadget {(unit + 1) % N_UNITS}" for unit in range(1, N_UNITS)} | {0: "gadget 0"}
    return run(
        "plan", "birds", "--dissection", str(dissection.pk), "--unit", f"features.3:0-{N_UNITS - 1}",
        "--method", "labeled pixels", "--file", f"wrong={write_csv(folder / 'wrong.csv', wrong)}",
        "--activations", f"features.3={folder / 'vectors.npy'}", "--concepts", "none", "--images", "60", *words,
    )  # fmt: skip


def answer(campaign: Campaign, *, error: float = 0.05) -> None:
    """Three people say what is so, and err."""
    generator = np.random.default_rng(3)
    workers = [
        Worker.objects.get_or_create(
            marketplace="own", external_id=f"W{i}",
            defaults={"pseudonym": f"person-{i}", "is_simulated": True, "created_at": NOW},
        )[0]
        for i in range(3)
    ]  # fmt: skip
    for hit in campaign.hits.order_by("pk"):
        unit = hit.hit_units.get()
        column = HELD[:, int(unit.texts[0].split()[-1])]
        for worker in workers:
            said: dict[str, list[int]] = {"yes": [], "no": []}
            for image in unit.images.order_by("number"):
                assert image.image is not None
                is_yes = bool(column[image.image.index]) ^ bool(generator.random() < error)
                said["yes" if is_yes else "no"].append(image.number)
            assignment = Assignment.objects.create(
                hit=hit, worker=worker, external_id=f"A{hit.pk}-{worker.pk}", state="approved", active_seconds=30
            )
            Answer.objects.create(assignment=assignment, hit_unit=unit, says=said)
