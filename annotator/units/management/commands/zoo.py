"""`manage.py zoo list`, `zoo fetch NAME ...` and `zoo dissect NAME --images DIR`: the published networks."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError, call_command
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from annotator.commanding import ProjectCommand
from workers.config import zoo_folder
from workers.engine.networks.zoo import ZOO, ZooError, ZooRow, fetch_weights, find_row, find_weights, read_zoo


class Command(ProjectCommand):
    help = (
        "Published networks: `list` shows them; `fetch` downloads their weights into the cache folder, resumes a "
        "download that broke off and verifies the digest; `dissect` fetches a network and dissects its layers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT", help="One of these")
        listing = acts.add_parser("list", help="names, training data, layers and whether the weights are here")
        listing.add_argument("--json", action="store_true", help="the table as JSON")
        fetching = acts.add_parser("fetch", help="download weights")
        fetching.add_argument("names", nargs="+", metavar="NAME", help="a name of `zoo list`")
        dissecting = acts.add_parser("dissect", help="dissect a network's layers over an image set")
        dissecting.add_argument("name", metavar="NAME", help="a name of `zoo list`")
        dissecting.add_argument("--images", required=True, help="folder of images, or s3:// prefix of one")
        dissecting.add_argument("--layer", action="append", help="layer in place of those of the table; repeatable")
        dissecting.add_argument("--json", action="store_true", help="print what was dissected as JSON")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            match act:
                case "list":
                    self._list(as_json=options["json"])
                case "fetch":
                    for row in [find_row(name) for name in options["names"]]:
                        self.stdout.write(_fetch(row))
                case _:
                    self._dissect(find_row(options["name"]), options)
        except ZooError as error:
            raise CommandError(str(error), returncode=2) from None

    def _list(self, *, as_json: bool) -> None:
        rows = [_describe(row) for row in read_zoo().values()]
        if as_json:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            layers = ", ".join(row["layers"])
            self.stdout.write(f"{row['name']:<{width}}  {row['weights']:<15}  {row['trained_on']}; layers: {layers}")

    def _dissect(self, row: ZooRow, options: dict[str, Any]) -> None:
        said = _fetch(row)
        if not options["json"]:
            self.stdout.write(said)
        call_command(
            "dissect", network=ZOO + row.name, network_name=row.name, layer=options["layer"] or list(row.layers),
            images=options["images"], json=options["json"], stdout=self.stdout,
        )  # fmt: skip


def _describe(row: ZooRow) -> dict[str, Any]:
    held = row.form == "torch" and find_weights(row=row, folder=zoo_folder()).exists()
    weights = {"caffe": "convert first", "random": "drawn by a seed"}.get(row.form, "here" if held else "not fetched")
    return {"name": row.name, "trained_on": row.trained_on, "layers": list(row.layers), "weights": weights}


def _fetch(row: ZooRow) -> str:
    """Download with progress on stderr, if the weights are not here yet; one sentence about them."""
    if row.form == "random":
        return f"{row.name} has no weights to fetch: they are drawn by a seed."
    columns = (TextColumn(row.name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        bar = bars.add_task("", total=None)

        def show(n_done: int, n_total: int | None) -> None:
            bars.update(bar, completed=n_done, total=n_total)

        fetched = fetch_weights(row=row, folder=zoo_folder(), progress=show)
    state = "verified" if fetched.is_verified else "unverified: its publisher states no digest"
    return f"{row.name}: {fetched.path}, sha256 {fetched.sha256} ({state})."
