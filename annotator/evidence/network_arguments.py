"""How commands name the network that they ask."""

from typing import Any

from django.core.management.base import CommandParser

from annotator.evidence.asking import AskedNetwork
from annotator.json_texts import json_argument


def add_network_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--network", required=True, help="torchvision:NAME, unitscope:NAME, zoo:NAME or package.module:function"
    )
    parser.add_argument("--weights", default="", help=".safetensors or .pth; a file or s3://; none: random weights")
    parser.add_argument("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")


def read_network(options: dict[str, Any]) -> AskedNetwork:
    return AskedNetwork(options["network"], options["weights"], options["preprocessing"])
