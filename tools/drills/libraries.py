"""Networks of other libraries, dissected from the command line in an environment of its own."""

import json
import subprocess
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

import torch
from numpy.random import default_rng

from annotator.processes import ROOT
from tests.workers.engine import making
from tools.apart import run_apart

PACKAGES = ("timm", "open_clip_torch", "transformers")
# (network, layer, units)
NETWORKS = (
    ("timm:vit_tiny_patch16_224?img_size=64", "blocks.3", 192),
    ("timm:convnext_atto", "stages.3", 320),
    ("open_clip:RN50", "layer4", 2048),
    ("open_clip:ViT-B-32", "transformer.resblocks.3", 768),
    ("transformers:vit?img_size=64", "layers.3", 768),
    ("tools.drills.libraries:make_compiled", "layer2", 128),
    ("torchvision:deeplabv3_mobilenet_v3_large", "backbone.16", 960),
    ("torchvision:fasterrcnn_mobilenet_v3_large_320_fpn", "backbone.body.6", 40),
    ("torchvision:fasterrcnn_mobilenet_v3_large_320_fpn", "backbone:pool", 256),
)
# Saves a small network of transformers, whose files call tensors otherwise than the network does.
SAVE = """
import sys, transformers
sides = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32)
config = transformers.AutoConfig.for_model("vit", patch_size=8, **sides)
transformers.AutoModelForImageClassification.from_config(config).save_pretrained(sys.argv[1])
"""


def make_compiled() -> torch.nn.Module:
    """A network as a training program leaves it: compiled, in half precision."""
    from torchvision.models import resnet18

    return torch.compile(torch.nn.DataParallel(resnet18().half()))  # type: ignore[return-value]


def dissect_libraries() -> str:
    """Packages are installed into a fresh environment that sees the project's own."""
    with tempfile.TemporaryDirectory() as folder:
        python = _make_environment(Path(folder) / "venv")
        images = Path(folder) / "images" / "set"
        making.make_broden(images, rng=default_rng(3), n_images=8)
        with run_apart(Path(folder) / "var", names=()) as processes:
            for network, layer, n_units in NETWORKS:
                found = _dissect([str(python), network, layer, str(images)], processes.environment)
                assert found["n_units"] == n_units, f"{network}: {found['n_units']} units of {layer}, not {n_units}"
            saved = Path(folder) / "saved"
            subprocess.run([python, "-c", SAVE, str(saved)], check=True, capture_output=True)
            weights = str(saved / "model.safetensors")
            found = _dissect(
                [str(python), f"transformers:{saved}", "vit.layers.1", str(images)], processes.environment, weights
            )
            assert found["n_units"] == 32, f"a saved ViT: {found['n_units']} units, not 32"
    told = "; ".join(f"{network} {layer} ({n_units} units)" for network, layer, n_units in NETWORKS)
    return f"with random weights over 8 images, from the command line: {told}; with its file, a ViT of transformers"


def _make_environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    (site / "project.pth").write_text(f"{Path(torch.__file__).parent.parent}\n")
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def _dissect(words: list[str], environment: dict[str, str], weights: str = "") -> dict[str, int]:
    python, network, layer, images = words
    command = [python, "manage.py", "dissect", "--network", network, "--layer", layer, "--images", images,
               "--no-chance", "--batch-size", "4", "--json"]  # fmt: skip
    command += ["--weights", weights] if weights else []
    offline = {**environment, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{network}: {(done.stderr or done.stdout)[-400:]}"
    found: dict[str, int] = json.loads(done.stdout[done.stdout.index("{") :])
    return found


DRILLS: dict[str, Callable[[], str]] = {"network-libraries": dissect_libraries}
