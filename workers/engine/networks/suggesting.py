"""Which --network a checkpoint was saved from, told by the names and shapes of its tensors."""

from collections.abc import Iterable

import torch

from workers.engine.networks.checkpoints import Tensors

# A key that tells families of torchvision; the networks of these families are tried one by one.
FAMILIES = {
    "layer1.0.conv1.weight": ("resnet", "resnext", "wide_resnet"),
    "features.denseblock1.denselayer1.conv1.weight": ("densenet",),
    "features.3.squeeze.weight": ("squeezenet",),
    "features.4.squeeze.weight": ("squeezenet",),
    "features.1.conv.0.0.weight": ("mobilenet_v2",),
    "features.1.block.0.0.weight": ("mobilenet_v3", "efficientnet_b0", "efficientnet_b1", "efficientnet_v2_s"),
    "layers.0.0.weight": ("mnasnet",),
    "encoder.layers.encoder_layer_0.ln_1.weight": ("vit",),
    "Mixed_5b.branch1x1.conv.weight": ("inception",),
    "inception3a.branch1.conv.weight": ("googlenet",),
    "features.1.0.norm1.weight": ("swin",),
    "features.1.0.block.0.weight": ("convnext",),
    "conv1.0.weight": ("shufflenet",),
    "features.0.weight": ("alexnet", "vgg"),
}
TIMM_NAME = "timm:NAME, with the name that it was trained as"
# A key that tells the library of which a network is, and how that is named.
LIBRARIES = (
    (
        "embeddings.patch_embeddings.projection.weight",
        "transformers:FOLDER with the config.json that was saved beside it",
    ),
    (
        "vision_model.embeddings.patch_embedding.weight",
        "transformers:FOLDER with the config.json that was saved beside it",
    ),
    ("visual.conv1.weight", "open_clip:NAME"),
    ("visual.trunk.patch_embed.proj.weight", "open_clip:NAME"),
    ("patch_embed.proj.weight", TIMM_NAME),
    ("stages.0.blocks.0.conv_dw.weight", TIMM_NAME),
    ("blocks.0.0.conv_dw.weight", TIMM_NAME),
    ("backbone.body.conv1.weight", "torchvision:NAME of a detector, such as torchvision:fasterrcnn_resnet50_fpn"),
)


def suggest(groups: dict[str, Tensors]) -> str:
    """What --network would fit the file, in one sentence; which forms there are if nothing tells."""
    for tensors in groups.values():
        if name := _find_torchvision(tensors):
            return f"Its tensors are those of {name}: give --network {name}."
    for tensors in groups.values():
        if found := next((name for key, name in LIBRARIES if _find_prefix(tensors, key) is not None), ""):
            return f"Its names are those that another library gives: try --network {found}."
    return (
        "Name the network it was trained as: --network torchvision:NAME, torchvision:NAME?num_classes=N, timm:NAME, "
        "open_clip:NAME, transformers:NAME or package.module:function."
    )


def _find_prefix(tensors: Iterable[str], key: str) -> str | None:
    """What stands before the key in the file; None if it is not there."""
    return next((one.removesuffix(key) for one in tensors if one == key or one.endswith(f".{key}")), None)


def _find_torchvision(tensors: Tensors) -> str:
    """The network of torchvision whose tensors, but for the classifier, are in the file with the same shapes, and of
    which it holds no other ones; empty if there is none.
    """
    for key, families in FAMILIES.items():
        if (prefix := _find_prefix(tensors, key)) is None:
            continue
        own = {one.removeprefix(prefix): tuple(held.shape) for one, held in tensors.items() if one.startswith(prefix)}
        found = next((name for name in _list_names(families) if _holds(own, _list_shapes(name))), "")
        if found:
            return f"torchvision:{found}"
    return ""


def _list_names(families: tuple[str, ...]) -> list[str]:
    import torchvision

    return [name for name in torchvision.models.list_models(module=torchvision.models) if name.startswith(families)]


def _list_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's tensors by name, without drawing its weights; empty if that cannot be."""
    import torchvision

    extra = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    try:
        with torch.device("meta"):
            module = torchvision.models.get_model(name, weights=None, **extra)
    except NotImplementedError:
        return {}
    return {key: tuple(one.shape) for key, one in module.state_dict().items()}


def _holds(own: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> bool:
    """True if all tensors of features are there, and none of another network's features."""
    parts = list(dict.fromkeys(key.partition(".")[0] for key in wanted))
    features = {key: shape for key, shape in wanted.items() if key.partition(".")[0] != parts[-1]}
    needed = {key: shape for key, shape in features.items() if not key.endswith("num_batches_tracked")}
    others = {key for key in own if key.partition(".")[0] in parts[:-1]} - features.keys()
    return bool(needed) and not others and all(own.get(key) == shape for key, shape in needed.items())
