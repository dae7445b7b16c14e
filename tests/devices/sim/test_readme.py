"""The README's example runs, and its timetable is the script's."""

from __future__ import annotations

import re
from pathlib import Path

import wardbridge.devices.sim as room
from wardbridge.devices.sim.script import load

TEXT = (Path(room.__file__).parent / "README.md").read_text("utf-8")


def test_the_example_runs() -> None:
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    exec(compile(example, "README.md", "exec"), {})


def test_every_file_is_named() -> None:
    folder = Path(room.__file__).parent
    files = {path.name for path in folder.iterdir() if path.suffix in (".py", ".toml")} - {"__init__.py"}
    assert {name for name in files if name not in TEXT} == set()


def test_the_timetable_is_the_scripts() -> None:
    starts = {(round(event.at), event.bed) for event in load().events}
    told = re.findall(r"(\d+)(?:–\d+)? s [^(]*?(?:\(bed (\d+)\)|of bed (\d+) to)", TEXT.replace("\n", " "))
    assert len(told) == 10
    assert {(int(at), int(one or other)) for at, one, other in told} <= starts
