"""Runs a command with the environment of a deployment: `python -m tools.deployed manage.py check --deploy`."""

import os
import subprocess
import sys

ENVIRONMENT = {
    "UNITSCOPE_DEPLOYED": "1",
    "SECRET_KEY": "q7" * 40 + "-only-for-this-check",
    "PSEUDONYM_KEY": "p5" * 40 + "-only-for-this-check",
    "DATABASE_URL": "postgresql://unitscope:x@127.0.0.1:5432/unitscope",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ARTIFACT_ROOT": "s3://unitscope/artifacts",
    "WEB_URL": "https://unitscope.example",
    "HIT_PAGES_URL": "https://hits.example",
    "SANDBOX_URL": "https://market.example",
    "HSTS_PRELOAD": "1",
}

if __name__ == "__main__":
    sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], env={**os.environ, **ENVIRONMENT}, check=False).returncode)
