"""The tree keeps its shape: short files, a README in every room that tells the truth and runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from wardbridge.core.migrate import ROOMS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "wardbridge"
HARD = 800
LONGER: dict[str, int] = {}
"""Files that may be longer than 800 lines, with their length: the list may only shrink."""


def sources() -> list[Path]:
    kinds = {".py", ".js", ".css", ".html", ".sql", ".toml", ".sh"}
    folders = [SOURCE, ROOT / "tests", ROOT / "bench", ROOT / "scripts"]
    made = {"vendor", "upgrade"}  # files that programs wrote
    return [f for folder in folders for f in folder.rglob("*") if f.suffix in kinds and not made & set(f.parts)]


def test_no_file_is_long() -> None:
    lengths = {str(f.relative_to(ROOT)): len(f.read_text("utf-8").splitlines()) for f in sources()}
    long = {name: length for name, length in lengths.items() if length > LONGER.get(name, HARD)}
    assert long == {}
    assert {name for name in LONGER if lengths.get(name, 0) <= HARD} == set(), "shrink the list"


def test_init_files_are_nearly_empty() -> None:
    long = [str(f) for f in SOURCE.rglob("__init__.py") if len(f.read_text("utf-8").splitlines()) > 25]
    assert long == []


def test_every_room_is_known() -> None:
    rooms = {folder.name for folder in SOURCE.iterdir() if folder.is_dir() and (folder / "__init__.py").exists()}
    assert rooms - {"app"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_room_readme_tells_the_truth(room: str) -> None:
    path = SOURCE / room / "README.md"
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 90, "a README is at most a page"
    for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE):
        for part in re.split(r"[ ,]+", name.replace("`", "")):
            if part:
                assert list((SOURCE / room).glob(part.rstrip("/"))), f"{room}/README.md names {part}"


@pytest.mark.parametrize("room", ROOMS)
def test_room_example_runs(room: str) -> None:
    text = (SOURCE / room / "README.md").read_text("utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert examples, "a README has an example that runs"
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60, cwd=ROOT)
        assert done.returncode == 0, done.stderr[-2000:]


def test_sql_stays_in_stores() -> None:
    statement = re.compile(r"\b(?!store)\w+\.(fetch|fetchrow|fetchval|execute|executemany)\(")
    allowed = {"core/migrate.py", "core/postgres.py"}
    found = []
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        in_store = path.name == "store.py" or "store" in path.relative_to(SOURCE).parts
        if not in_store and name not in allowed and statement.search(path.read_text("utf-8")):
            found.append(name)
    assert found == []
