"""`unitscope:NAME`: the networks that Unitscope itself defines."""

from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import ArchitectureNotFound, Built
from workers.engine.networks.sources.torchvision_networks import build as build_torchvision

EFFICIENTNET_LITE_INPUT = Preprocessing(mean=(127.0,) * 3, std=(128.0,) * 3, scale=1.0, interpolation="bicubic")
# torchvision's MobileNetV2, padded as TensorFlow pads: for weights that were trained there.
MOBILENET_SAME = "mobilenet_v2_same"
MOBILENET_SAME_INPUT = Preprocessing(mean=(128.0,) * 3, std=(128.0,) * 3, scale=1.0)


def build(name: str) -> Built:
    """Raises ArchitectureNotFound."""
    from workers.engine.networks.caffe_alexnet import VARIANTS, CaffeAlexNet
    from workers.engine.networks.efficientnet_lite import EfficientNetLite0
    from workers.engine.networks.same_padding import pad_same

    variant = name.removeprefix("caffe_alexnet_")
    if variant != name and variant in VARIANTS:
        return Built(CaffeAlexNet(variant), Preprocessing(input_px=227))
    if name == "efficientnet_lite0":
        return Built(EfficientNetLite0(), EFFICIENTNET_LITE_INPUT)
    if name.partition("?")[0] == MOBILENET_SAME:
        module = build_torchvision(name.replace(MOBILENET_SAME, "mobilenet_v2")).module
        pad_same(module)
        return Built(module, MOBILENET_SAME_INPUT)
    own = ", ".join(["efficientnet_lite0", MOBILENET_SAME, *(f"caffe_alexnet_{one}" for one in VARIANTS)])
    raise ArchitectureNotFound(f"Unitscope itself defines {own} and no {name!r}.")
