"""The MTurk tests that a third-party client's own source package holds, run against the sandbox.

Of the clients of third_party.py, Dallinger alone has such tests. The source packages of psiTurk, oTree and Mephisto
hold none that call MTurk, nor does larry's wheel.
"""

import json
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from benchmarks._sandbox import RunningSandbox, running_sandbox
from tests.conformance.people import Worker
from tools.drills.third_party import CLIENTS, KEPT, call, install

TESTS = "tests/test_mturk.py"
# It creates topics at Amazon's SNS, which is no part of MTurk.
ELSEWHERE = f"{TESTS}::TestSNSService"
OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}


def run_tests() -> str:
    client = next(one for one in CLIENTS if one.module == "dallinger")
    with running_sandbox() as sandbox:
        python = install(client, address=sandbox.address)
        call([str(python), "-m", "pip", "install", "-q", "pytest", "pytest-rerunfailures"], {})
        version = call([str(python), "-m", "pip", "show", client.package], {}).split("Version: ")[1].split()[0]
        outcomes, problems = _test(python, _unpack(client.package, version), sandbox)
        audit = sandbox.manage("sandbox_audit").stdout
        assert "says" not in audit, audit
    said = f"{client.package} {version}: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
    assert not problems, f"{said}; " + "; ".join(problems)
    assert outcomes["passed"], f"{said or client.package}: no test has passed"
    return f"{said} (they wait for a key press); left out: those that ask Amazon's SNS; the audit agrees"


def _unpack(package: str, version: str) -> Path:
    """The folder of its source package, without the package: the installed one is tested."""
    folder = KEPT / f"{package}-{version}"
    if not folder.exists():
        asked = ["download", "-q", "--no-deps", "--no-binary", package, "-d", str(KEPT), f"{package}=={version}"]
        call([sys.executable, "-m", "pip", *asked], {})
        with tarfile.open(KEPT / f"{package}-{version}.tar.gz") as archive:
            wanted = (f"{folder.name}/tests/", f"{folder.name}/pyproject.toml")
            archive.extractall(KEPT, [one for one in archive if one.name.startswith(wanted)], filter="data")
    return folder


def _test(python: Path, folder: Path, sandbox: RunningSandbox) -> tuple[Counter[str], list[str]]:
    """How many tests had which outcome, and what the failed ones said."""
    home, report = KEPT / "dallinger.home", folder / "report.xml"
    home.mkdir(exist_ok=True)
    environment = {
        **{name: sandbox.account[name] for name in ("aws_access_key_id", "aws_secret_access_key")},
        "mturk_worker_id": Worker(sandbox.address, "simulated-tester").mturk_id, "HOME": str(home),
    }  # fmt: skip
    options = ["-q", "-c", "pyproject.toml", "-m", "mturk", "--mturkfull", "--runslow", "--deselect", ELSEWHERE]
    pytest = [str(python), "-m", "pytest", TESTS, *options, f"--junitxml={report}"]
    # Its status says no more than the report.
    call(["sh", "-c", '"$@" || test $? -eq 1', "sh", *pytest], environment, folder=folder)
    outcomes: Counter[str] = Counter()
    problems = []
    for test in ElementTree.parse(report).iter("testcase"):  # noqa: S314  pytest has just written it
        kinds = [child for child in test if child.tag in OUTCOMES]
        outcomes[OUTCOMES[kinds[0].tag] if kinds else "passed"] += 1
        failed = [child.get("message") for child in kinds if child.tag != "skipped"]
        problems += [f"{test.get('name')}: {json.dumps(message)[:200]}" for message in failed]
    return outcomes, problems


DRILLS: dict[str, Callable[[], str]] = {"third-party-tests": run_tests}
