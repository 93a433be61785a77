"""Third-party MTurk clients from PyPI and npm, each in an environment of its own, against the sandbox.

Each publishes, lists and pays by its own code, and jsPsych submits by its own. Only the address of Amazon's sandbox in
it is replaced, as docs/sandbox.md says. Their own tests are in third_party_tests.py.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
from playwright.sync_api import Error as PlaywrightError

from benchmarks._sandbox import RunningSandbox, running_sandbox
from tests.conformance.people import Worker
from tools.drills._clients import jspsych

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "var" / "third-party"
SCRIPTS = Path(__file__).parent / "_clients"
AMAZON = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"


@dataclass(frozen=True)
class Client:
    """A package and what is replaced in its source; {} stands for the sandbox's address, {host} for its host."""

    package: str
    module: str
    edits: tuple[tuple[str, str], ...] = ((AMAZON, "{}"),)
    pays_bonus: bool = True
    # What the package does not ask for itself, or pins to a release that this Python cannot run.
    besides: tuple[str, ...] = ()
    # Nothing that the package asks for is installed but what is in `besides`.
    is_alone: bool = False


CLIENTS = (
    Client("larry", "larry", pays_bonus=False, besides=("boto3",)),
    Client("dallinger", "dallinger", (("https://mturk-requester-sandbox.{}.amazonaws.com", "{}"),)),
    # It asks for gigabytes of networks, which its utilities for MTurk do not use.
    Client(
        "mephisto", "mephisto", is_alone=True,
        besides=(
            "boto3", "click<8.2", "flask", "gevent-websocket", "hydra-core", "prometheus-client", "requests", "rich<13",
            "rich-click<1.7", "sh", "tabulate", "tornado", "tqdm", "websockets", "xmltodict",
        ),
    ),
    Client("PsiTurk", "psiturk", besides=("boto3>=1.40",)),
    Client(
        "otree", "otree",
        (("mturk-requester-sandbox.us-east-1.amazonaws.com", "{host}"), ("f'https://{host}'", "f'http://{{host}}'")),
    ),
)  # fmt: skip


def run_clients() -> str:
    """Every client is tried, also after another failed."""
    said: list[str] = []
    failed: list[str] = []
    with running_sandbox() as sandbox:
        for number, client in enumerate(CLIENTS):
            try:
                python = install(client, address=sandbox.address)
                _use(client, python, sandbox, worker=Worker(sandbox.address, f"simulated-{number}"))
            except AssertionError as error:
                failed.append(f"{client.package}: {str(error)[-250:]}")
                continue
            version = call([str(python), "-m", "pip", "show", client.package], {}).split("Version: ")[1].split()[0]
            said.append(f"{client.package} {version}")
        try:
            said.append(jspsych.submit_from_npm(sandbox, KEPT / "jspsych"))
        except (AssertionError, PlaywrightError) as error:
            failed.append(f"jspsych: {str(error)[-250:]}")
        audit = sandbox.manage("sandbox_audit").stdout
        assert "says" not in audit, audit
    assert not failed, f"{', '.join(said)} passed; " + "; ".join(failed)
    return (
        f"published, listed, paid and cleaned up, or submitted, by their own code: {', '.join(said)}; the audit agrees"
    )


def install(client: Client, *, address: str) -> Path:
    """The client's own Python, with the address replaced in a fresh copy of its source."""
    folder = KEPT / client.module
    python = folder / "bin" / "python"
    if not python.exists():
        call([sys.executable, "-m", "venv", str(folder)], {})
        pip = [str(python), "-m", "pip", "install", "-q", "-U"]
        call([*pip, *(["--no-deps"] if client.is_alone else []), client.package], {})
        for beside in client.besides:
            call([*pip, beside], {})
    (package,) = folder.glob(f"lib/python*/site-packages/{client.module}")
    original = KEPT / f"{client.module}.original"
    if not original.exists():
        shutil.copytree(package, original)
    n_edits = 0
    for path in original.rglob("*.py"):
        text = edited = path.read_text(errors="surrogateescape")
        for old, new in client.edits:
            edited = edited.replace(old, new.format(address, host=address.removeprefix("http://")))
        n_edits += edited != text
        (package / path.relative_to(original)).write_text(edited, errors="surrogateescape")
    assert n_edits, f"{client.package} does not name Amazon's sandbox where it did."
    return python


def _use(client: Client, python: Path, sandbox: RunningSandbox, *, worker: Worker) -> None:
    """The client publishes, a person works, the client pays; then the marketplace is asked."""
    home = KEPT / f"{client.module}.home"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        "AWS_ACCESS_KEY_ID": sandbox.account["aws_access_key_id"], "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": sandbox.account["aws_secret_access_key"], "HOME": str(home),
    }  # fmt: skip
    script = [str(python), str(SCRIPTS / f"{client.module}_client.py")]
    hit_id = call([*script, "publish"], environment, folder=home).split()[-1]
    assignment_id = worker.accept(hit_id)
    worker.submit(assignment_id, code="C-7")
    call([*script, "pay", hit_id, assignment_id, worker.mturk_id], environment, folder=home)
    mturk = boto3.client("mturk", **sandbox.account)
    status = mturk.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"]
    assert status == "Approved", f"{client.package} left the assignment {status}."
    bonuses = mturk.list_bonus_payments(AssignmentId=assignment_id)["BonusPayments"]
    assert [one["BonusAmount"] for one in bonuses] == ["0.05"] * client.pays_bonus, f"{client.package} paid {bonuses}."


def call(words: list[str], environment: dict[str, str], *, folder: Path = ROOT) -> str:
    # Not what this project's own services say of themselves.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "REDIS", "AWS"))}
    done = subprocess.run(
        words, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, f"{' '.join(words[:3])}: {(done.stdout + done.stderr)[-1500:]}"
    return done.stdout


DRILLS: dict[str, Callable[[], str]] = {"third-party-clients": run_clients}
