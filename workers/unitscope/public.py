"""Unitscope in a notebook: dissect a network and look at its units, without a database or a server.

import unitscope

d = unitscope.dissect("torchvision:squeezenet1_1", weights="squeezenet.safetensors",
                      layers=["features.12"], images="photos/")
d.units.head()
d["features.12", 3].show()
"""

from workers.unitscope.dissecting import dissect
from workers.unitscope.dissection import Dissection, open_dissection
from workers.unitscope.networks import encode, load_network
from workers.unitscope.publishing import CannotPublish

__all__ = ["CannotPublish", "Dissection", "dissect", "encode", "load_network", "open_dissection"]
