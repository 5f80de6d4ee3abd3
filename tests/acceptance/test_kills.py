"""The daemon may die at any moment: nothing is doubled, nothing is lost, nothing stands unprotected."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CYCLES = 50 if os.environ.get("ARGO_TEST_LONG") else 12


def test_sigkills_while_orders_work_double_nothing_and_lose_nothing() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "tests/bench/kill.py",
            "--cycles",
            str(CYCLES),
            "--cold",
            "2",
            "--seed",
            "7",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "clean" in done.stdout
