"""Registers a network or an image set, so that the dashboard's forms may offer it."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.json_texts import json_argument
from annotator.units import registering
from annotator.units.asked_options import LABELS_HELP
from workers.engine.networks.source_names import NETWORK_FORMS


class Command(ProjectCommand):
    help = "Register a network (--network, --weights) or an image set (--images) for the dashboard's forms."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name that the forms show")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--network", help=NETWORK_FORMS)
        what.add_argument("--images", help="folder of images, with labels or without, or s3:// prefix of one")
        parser.add_argument("--labels", default="", metavar="PATH", help=LABELS_HELP)
        parser.add_argument("--weights", default="", help=".safetensors or .pth; a file or s3://")
        parser.add_argument("--preprocessing", type=json_argument, help="JSON: input_px, mean, std, scale, resize")
        parser.add_argument("--rendered", action="store_true", help="the images were drawn by a program")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["network"]:
            registering.register_network(
                name=options["name"],
                architecture=options["network"],
                weights=options["weights"],
                preprocessing=options["preprocessing"],
                now=now,
            )
        else:
            registering.register_image_set(
                name=options["name"],
                address=options["images"],
                labels=options["labels"],
                is_rendered=options["rendered"],
                now=now,
            )
        self.stdout.write(f"Registered {options['name']}.")
