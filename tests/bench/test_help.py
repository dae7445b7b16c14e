"""Every benchmark and suite runner is a command that explains itself, and `bench.all` knows each benchmark."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.all import SMALL, TOOLS

from bench import conformance

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(file.stem for file in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in file.read_text())


@pytest.mark.parametrize("name", COMMANDS)
def test_it_explains_itself(name: str) -> None:
    command = [sys.executable, "-m", f"bench.{name}", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60).stdout
    assert said.startswith("usage: ")
    assert len(re.findall(r"[a-z]{3,}", said)) > 10


def test_all_runs_every_benchmark() -> None:
    runners = {f"conformance_{runner}" for runner, _ in conformance.RUNNERS.values()} | {"conformance_examples"}
    assert set(COMMANDS) == set(SMALL) | set(TOOLS) | runners


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_small_sizes_are_options_that_exist(name: str) -> None:
    command = [sys.executable, "-m", f"bench.{name}", *SMALL[name], "--no-such-option"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 2
    assert "unrecognized arguments: --no-such-option\n" in done.stderr
