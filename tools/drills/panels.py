"""Simulated people do a campaign through single-use links, and one at a stand-in of Prolific, in their own house."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from annotator.processes import ROOT, Processes
from tools import prolific_stub
from tools.apart import run_apart

if TYPE_CHECKING:
    from annotator.demo.people.working import Crew

N_PEOPLE, N_UNITS, N_ANSWERS = 12, 8, 3
TOLD = "result: "


def run_panels() -> str:
    """In a process of its own, because Django's settings are read from the house's environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.drills.panels"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return next(line.removeprefix(TOLD) for line in done.stdout.splitlines() if line.startswith(TOLD))


def main() -> None:
    books = prolific_stub.Books()
    with tempfile.TemporaryDirectory(prefix="unitscope-panels-") as folder, prolific_stub.serve(books) as address:
        images = Path(folder) / "set"
        variables = {"PROLIFIC_URL": address, "PROLIFIC_TOKEN": prolific_stub.TOKEN, "REAL_MONEY_ALLOWED": "1"}
        with run_apart(Path(folder) / "var", variables) as processes:
            dissection = dissect(processes, images)
            links = use_links(processes, dissection, images)
            print(TOLD + links + "; " + use_prolific(processes, books, dissection, images))


def manage(processes: Processes, *words: str, typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env=processes.environment, input=typed, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{words[0]}: {done.stderr[-1000:]}"
    return done.stdout


def dissect(processes: Processes, images: Path) -> str:
    """The id of a dissection of an early layer with random weights, over 400 rendered images."""
    manage(processes, "render_concepts", str(images), "--n", "400")
    network = ("--network", "torchvision:squeezenet1_1", "--layer", "features.3.squeeze", "--dimming", "fixed")
    return str(
        json.loads(manage(processes, "dissect", *network, "--images", str(images), "--rendered", "--json"))["id"]
    )


def _choose(dissection: str, marketplace: str) -> list[str]:
    return [
        "--dissection", dissection, "--top-iou", str(N_UNITS), "--random", "0", "--seed", "5", "--assignments",
        str(N_ANSWERS), "--reward", "0.90", "--budget", "500", "--marketplace", marketplace, "--yes",
    ]  # fmt: skip


def use_links(processes: Processes, dissection: str, images: Path) -> str:
    manage(processes, "launch", "by links", *_choose(dissection, "links"))
    manage(processes, "simulate_people", "by links", "--images", str(images), "--workers", str(N_PEOPLE))
    manage(processes, "collect", "by links", "--approve")
    rows = [line.split(",") for line in manage(processes, "links", "owed", "by links").splitlines()[1:]]
    n_approved = sum(int(row[5]) for row in rows)
    assert n_approved == N_UNITS * N_ANSWERS, f"{n_approved} answers were approved"
    return f"links: {n_approved} answers of {N_PEOPLE} simulated people, ${sum(Decimal(row[8]) for row in rows)} owed"


def use_prolific(processes: Processes, books: prolific_stub.Books, dissection: str, images: Path) -> str:
    name = "at prolific"
    manage(processes, "launch", name, *_choose(dissection, "prolific"), "--real-money", typed=f"{name}\n")
    work(processes.environment, books, images)
    manage(processes, "collect", name, "--approve")
    manage(processes, "campaign", name, "top-up", "--with-slow", "--real-money", typed=f"{name}\n")
    states = [row["status"] for row in books.submissions.values()]
    assert states == ["APPROVED"] * (N_UNITS * N_ANSWERS), states
    assert len(books.paid) == len({submission for submission, _ in books.paid}), "a bonus was paid twice"
    return f"Prolific's stand-in: {len(states)} submissions approved in {len(books.studies)} studies"


def work(environment: Mapping[str, str], books: prolific_stub.Books, images: Path) -> None:
    """Participants take a place in each study, as long as there are places."""
    os.environ.update(environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotator.settings"
    import django

    django.setup()
    crew = gather_crew(images)
    for study_id in books.find_open():
        for number, person in enumerate(crew.people):
            address = books.take(study_id, f"00000000{number:016x}")  # an id that says that this is a program
            if address is None:
                continue
            browser = crew.browsers[person.name]
            answer = crew.do_page(person, browser, browser.get(address))
            if answer is None:  # they know these crops from another study, and give the place back
                books.submissions[find_submission(address)]["status"] = "RETURNED"
                continue
            assert books.complete(find_submission(address), find_code(answer.url)), "the code is not the study's"


def find_submission(address: str) -> str:
    return parse_qs(urlsplit(address).query)["SESSION_ID"][0]


def find_code(address: str) -> str:
    return parse_qs(urlsplit(address).query)["cc"][0]


def gather_crew(images: Path) -> "Crew":
    from annotator.demo.people.browser import Browser, Page
    from annotator.demo.people.judgement import Knowledge
    from annotator.demo.people.library import Library
    from annotator.demo.people.seeing import Viewer
    from annotator.demo.people.signing_in import Site
    from annotator.demo.people.tempers import gather_people
    from annotator.demo.people.working import Crew

    class PanelBrowser(Browser):
        """The way back to Prolific ends at its address: nothing is sent there."""

        def post_form(self, url: str, fields: Mapping[str, str]) -> Page:
            assert url == "https://app.prolific.com/submissions/complete", url
            return Page(f"{url}?cc={fields['cc']}", 200, b"")

    library, people = Library(images), gather_people(n_people=N_PEOPLE)
    viewer = Viewer(library)
    knowledge = Knowledge(label_of=library.label_of, base_rates=viewer.base_rates)
    browsers: dict[str, Browser] = {person.name: PanelBrowser() for person in people}
    return Crew(Site("", frozenset(), frozenset()), people, viewer, knowledge, 1, browsers)


DRILLS: dict[str, Callable[[], str]] = {"panels": run_panels}

if __name__ == "__main__":
    main()
