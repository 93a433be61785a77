"""What a network's classes are called."""

from workers.engine.networks.loading import LoadedNetwork

IMAGENET_CLASSES = 1000
IMAGENET_SOURCES = ("torchvision:", "unitscope:", "zoo:")


def name_classes(network: LoadedNetwork, *, n_classes: int) -> list[str]:
    """As the weights' file states them; ImageNet's for trained networks of its 1,000 classes that are known by name;
    else numbers.
    """
    if len(network.class_names) == n_classes:
        return list(network.class_names)
    if network.is_random or n_classes != IMAGENET_CLASSES or not network.architecture.startswith(IMAGENET_SOURCES):
        return [f"class {index}" for index in range(n_classes)]
    # It takes two seconds to import, and a GPU process that no such network is given starts without it.
    import torchvision

    return list(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
