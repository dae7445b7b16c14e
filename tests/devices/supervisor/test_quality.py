"""Manifest and quality rules: the shipped drivers hold them, and each broken rule is told with its place."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.errors import SettingsError
from wardbridge.devices import registry
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.kit.sinks import RecordingSink
from wardbridge.devices.manifest import DRIVERS, read_manifest
from wardbridge.devices.quality import KIT, RULES, check_driver, check_drivers

TESTS = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """CPython 3.11: ``ast.parse`` fails when the collector runs a finaliser that compiles meanwhile ("recursion depth
    mismatch"); what earlier tests of this worker left must not be collected in the middle of ours."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_shipped_drivers_keep_their_claims() -> None:
    finished = [name for name in registry.names() if (DRIVERS / name / "quality.toml").is_file()]
    assert "sdc" in finished
    told = [str(problem) for name in finished for problem in check_driver(DRIVERS / name, TESTS / name)]
    assert told == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(DRIVERS / "sdc", tmp_path / "sdc", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "sdc"


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (edit("manifest.toml", 'role = "dial"', 'role = "shout"'), "sdc/manifest.toml: role: Invalid enum value"),
        (edit("manifest.toml", 'title = "', 'titel = "'), "sdc/manifest.toml: Object"),
        (edit("manifest.toml", 'name = "sdc"', 'name = "abc"'), "sdc/manifest.toml: name: is 'abc'"),
        (edit("manifest.toml", "[config.epr]", "[config.epp]"), "does not tell of config.epr"),
        (edit("manifest.toml", '"lxml"', '"no_such_module"'), "no_such_module is not installed"),
        (edit("manifest.toml", "date = 2026-11-22", 'date = "soon"'), "tested[0].date"),
        (edit("manifest.toml", 'kind = "library"', 'kind = "device"'), "a tested device needs its firmware"),
        (edit("manifest.toml", 'role = "dial"', "role ="), "is not TOML"),
        (edit("README.md", "## Limits", "## Limitations"), "no text under '## Limits'"),
        (edit("mapping.py", "import mdc", "import mdc\nfrom wardbridge.fhir import store"), "imports wardbridge.fhir"),
        (
            edit("quality.toml", 'named-device = "todo"', 'named-device = "done"'),
            "but the manifest names no tested device",
        ),
        (edit("quality.toml", 'kit = "done"', 'kit = "todo"'), "bronze.kit: holds already"),
        (edit("quality.toml", 'kit = "done"', 'kit = "todo"'), "bronze.kit: is todo, so tier 'silver'"),
        (edit("quality.toml", 'soak = "done"', ""), "silver.soak: is not listed"),
        (edit("quality.toml", "[gold]", '[gold]\nshine = "done"'), "gold.shine: is no rule"),
        (edit("quality.toml", 'tls = "done"', 'tls = { exempt = "no" }'), "gold.tls: an exemption needs a reason"),
        (edit("quality.toml", 'tier = "silver"', 'tier = "gold"'), "gold.named-device: is todo, so tier 'gold'"),
        (lambda folder: (folder / "driver.py").unlink(), "driver.py is missing"),
        (lambda folder: (folder / "quality.toml").unlink(), "sdc/quality.toml: is missing"),
    ],
)
def test_a_broken_rule_is_told(copy: Path, change: Callable[[Path], None], told: str) -> None:
    assert check_driver(copy, TESTS / "sdc") == []
    change(copy)
    problems = [str(problem) for problem in check_driver(copy, TESTS / "sdc")]
    assert any(told in problem for problem in problems), problems


def test_captures_without_snapshot_and_missing_kit_are_told(copy: Path, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    (tests / "captures").mkdir(parents=True)
    (tests / "captures" / "one.bin").write_bytes(b"x")
    (tests / "test_kit.py").write_text("class TestFolder(FolderKit): ...\n")
    problems = " ".join(str(problem) for problem in check_driver(copy, tests))
    assert "capture one.bin has no snapshot" in problems
    assert "does not join PeerLossKit" in problems
    assert "does not join FolderKit" not in problems
    assert "does not join StreamKit" not in problems


def test_an_installed_wheel_without_tests_is_checked_as_far_as_it_goes(copy: Path) -> None:
    assert check_driver(copy) == []
    assert check_drivers(copy.parent) == []


def test_the_readme_lists_every_rule_and_the_kit_every_class() -> None:
    text = (DRIVERS / "README.md").read_text(encoding="utf-8")
    for tier, rules in RULES.items():
        assert f"[{tier}]" in text
        assert [rule for rule in rules if f"\n{rule} = " not in text] == []
    kit = (DRIVERS.parent / "kit" / "README.md").read_text(encoding="utf-8")
    assert [name for name in KIT if f"`{name}`" not in kit] == []


def test_the_registry_finds_drivers_and_builds_them() -> None:
    assert "sdc" in registry.names()
    assert registry.manifest("sdc").title == "IEEE 11073 SDC"
    made = registry.build("sdc", DriverContext("l", {"adapter": "127.0.0.1"}, FakeClock(), RecordingSink(), None))
    assert made.health().state == "waiting"
    assert read_manifest(DRIVERS / "nothing")[0] is None


@pytest.mark.parametrize(
    ("name", "config", "told"),
    [
        ("nothing", {}, "no driver 'nothing'"),
        ("../sdc", {}, "no driver"),
        ("sdc", {}, "address or adapter"),
        ("sdc", {"adress": "x"}, "adress"),
        ("sdc", {"address": "ftp://x"}, "must begin with"),
        ("sdc", {"address": "https://x"}, "certificate"),
        ("sdc", {"adapter": "127.0.0.1", "queue": 0}, "at least 1"),
        ("sdc", {"adapter": "127.0.0.1", "queue": "many"}, "int"),
    ],
)
def test_a_wrong_link_is_refused_with_the_reason(name: str, config: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        registry.build(name, DriverContext("l", config, FakeClock(), RecordingSink(), None))
