"""What is studied: networks, their layers and units, image sets, and what dissections measured."""

from annotator.units.models.dissections import GIVEN_UP, Dissection, GPUTask, RandomBaseline, name_artifact
from annotator.units.models.images import Image, ImageSet
from annotator.units.models.measured import AutomaticLabel, DissectedUnit, TopImage
from annotator.units.models.networks import IMPORTED, Layer, Network, NetworkAlias, Unit, forget_imported
