"""What the docs name exists: settings, commands, make targets, endpoints, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from wardbridge.cli import app as cli
from wardbridge.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def text_of(*pages: Path) -> str:
    return "\n".join(page.read_text("utf-8") for page in pages or PAGES)


def commands() -> set[str]:
    group = typer.main.get_command(cli)
    found = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found.add(name)
        found |= {f"{name} {sub}" for sub in getattr(command, "commands", {})}
    return found


def test_commands_exist() -> None:
    known = commands()
    groups = {name.split()[0] for name in known if " " in name}
    for first, second in re.findall(r"^\s*(?:\.venv/bin/)?wardbridge ([a-z]+)(?: ([a-z-]+))?", text_of(), re.MULTILINE):
        assert first in known, first
        if first in groups:
            assert f"{first} {second}" in known, f"{first} {second}"


def test_every_command_is_documented() -> None:
    text = text_of()
    for name in commands() - {"process"}:
        assert f"wardbridge {name}" in text, name


def test_settings_and_docs_agree() -> None:
    text = text_of(ROOT / "docs" / "settings.md")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    assert named == set(Settings.__struct_fields__)
    for variable in re.findall(r"WARDBRIDGE_([A-Z_]+)", text_of()):
        special = {"CONFIG", "PASSWORD", "SUITES", "TEST_JOBS"}
        assert variable.lower() in Settings.__struct_fields__ or variable in special, variable


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", text_of(), re.MULTILINE):
        assert "".join(name) in targets


def test_links_between_pages_exist() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_machine_is_named(page: Path) -> None:
    assert not re.search(r"/root/|/work/|/home/[a-z]", page.read_text("utf-8"))
