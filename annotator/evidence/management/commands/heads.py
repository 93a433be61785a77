"""Finds a network's head: the layer whose pooled maps make its scores."""

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from annotator.commanding import ProjectCommand
from annotator.evidence import asking
from annotator.evidence.network_arguments import add_network_arguments, read_network
from annotator.units.gpu_process import gpu_process_if_none
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = "Say which layer's maps, pooled, make a network's scores, in which form, and with what error."

    def add_arguments(self, parser: CommandParser) -> None:
        add_network_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print layer, form and error, or why there is no head")

    def handle(self, *args: Any, **options: Any) -> None:
        with gpu_process_if_none() as keeper:
            question = asking.ask_for_head(network=read_network(options), now=timezone.now())
            try:
                answer = asking.wait_for_answer(question, clock=timezone.now, look_after=keeper.look_after)
                head = answer["head"]
            except asking.CannotAsk as refused:
                if not options["json"]:
                    raise
                self.stdout.write(json.dumps({"refused": str(refused)}))
                return
        if options["json"]:
            self.stdout.write(json.dumps(head, indent=2))
            return
        same = f" The same maps: {', '.join(head['same'])}." if head["same"] else ""
        self.stdout.write(
            f"The scores of {say_count(head['n_classes'], 'class')} follow from {say_count(head['n_units'], 'unit')} "
            f"of {head['layer']} ({head['form']}) by the weights of {head['last']}; largest error {head['error']:.1e} "
            f"of the largest score.{same}"
        )
