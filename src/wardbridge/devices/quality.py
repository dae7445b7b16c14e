"""What a driver claims, checked: ``quality.toml`` against the folder, its code and its tests.

Every rule is a function that answers with the reasons why it does not hold. A rule that is claimed and
does not hold is a problem, and so is a rule that holds and is still called ``todo``: the list of open
work can only shrink.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from wardbridge.devices import manifest as manifests
from wardbridge.devices.manifest import Manifest, Problem, read_manifest, read_toml

TIERS = ("bronze", "silver", "gold")
FILES = ("__init__.py", "manifest.toml", "quality.toml", "driver.py", "mapping.py", "README.md")
HEADINGS = ("Speaks", "Tested with", "Limits", "Configuration")
ALLOWED = (
    "wardbridge.core",
    "wardbridge.devices.driver",
    "wardbridge.devices.values",
    "wardbridge.exchange.codecs",
    "wardbridge.terminology",
)
KIT: dict[str, Callable[[Manifest], bool]] = {  # kit class -> when a driver must join it
    "FolderKit": lambda m: True,
    "LifeKit": lambda m: True,
    "ReplayKit": lambda m: True,
    "LogKit": lambda m: True,
    "HealthKit": lambda m: True,
    "SlowSinkKit": lambda m: True,
    "StreamKit": lambda m: m.shape == "stream",
    "MutationKit": lambda m: True,
    "AckKit": lambda m: m.delivery == "acknowledged",
    "OrderKit": lambda m: m.clock == "device",
    "PeerLossKit": lambda m: m.role == "dial",
}


class Exempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exempt: str


Status = Literal["done", "todo"] | Exempt


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of one driver, tier by tier."""

    tier: Literal["none", "bronze", "silver", "gold"]
    bronze: dict[str, Status]
    silver: dict[str, Status]
    gold: dict[str, Status]


class Case(NamedTuple):
    """All that a rule may look at. ``tests`` is None where the tests are not at hand (an installed wheel)."""

    folder: Path
    manifest: Manifest | None
    tests: Path | None


Rule = Callable[[Case], Iterator[str]]


def check_drivers(drivers: Path = manifests.DRIVERS, tests: Path | None = None) -> list[Problem]:
    """Every broken rule of every driver folder below ``drivers``.

    ``tests`` is the folder ``tests/devices`` of a source tree; without it the rules that read tests are
    taken at their word.
    """
    problems: list[Problem] = []
    for folder in sorted(p for p in drivers.iterdir() if p.is_dir() and not p.name.startswith(("_", "."))):
        problems += check_driver(folder, tests / folder.name if tests else None)
    return problems


def check_driver(folder: Path, tests: Path | None = None) -> list[Problem]:
    """Every broken rule of the driver in ``folder``; ``tests`` is its own test folder."""
    manifest, problems = read_manifest(folder)
    table, broken = read_toml(folder / "quality.toml")
    file = f"{folder.name}/quality.toml"
    problems += broken
    try:
        quality = msgspec.convert(table, Quality)
    except msgspec.ValidationError as error:
        what, _, key = str(error).partition(" - at ")
        return [*problems, *([] if broken else [Problem(file, key.strip("`").removeprefix("$."), what)])]
    case = Case(folder, manifest, tests)
    for tier in TIERS:
        problems += _check_tier(tier, getattr(quality, tier), case, file)
    for tier in TIERS[: TIERS.index(quality.tier) + 1] if quality.tier != "none" else ():
        for rule, status in getattr(quality, tier).items():
            if status == "todo":
                what = f"is todo, so tier {quality.tier!r} is not reached"
                problems.append(Problem(file, f"{tier}.{rule}", what))
    return problems


def _check_tier(tier: str, claims: dict[str, Status], case: Case, file: str) -> Iterator[Problem]:
    rules = RULES[tier]
    for missing in rules.keys() - claims.keys():
        yield Problem(file, f"{tier}.{missing}", "is not listed")
    for rule, status in claims.items():
        key = f"{tier}.{rule}"
        if rule not in rules:
            yield Problem(file, key, "is no rule")
        elif isinstance(status, Exempt):
            if len(status.exempt.split()) < 3:
                yield Problem(file, key, "an exemption needs a reason")
        elif case.tests is None and rule in NEED_TESTS:
            continue
        else:
            reasons = list(rules[rule](case))
            if status == "done":
                yield from (Problem(file, key, f"is called done, but {reason}") for reason in reasons)
            elif not reasons:
                yield Problem(file, key, "holds already: call it done")


# The rules -------------------------------------------------------------------------------------------


def _manifest(case: Case) -> Iterator[str]:
    yield from (str(problem) for problem in read_manifest(case.folder)[1])


def _layout(case: Case) -> Iterator[str]:
    yield from (f"{name} is missing" for name in FILES if not (case.folder / name).is_file())


def _module(case: Case, name: str) -> tuple[Any, str]:
    """A module of the driver, imported from its folder; or why that fails."""
    try:
        return importlib.import_module(f"wardbridge.devices.drivers.{case.folder.name}.{name}"), ""
    except Exception as error:  # whatever a driver raises on import is what must be told
        return None, f"{name}.py cannot be imported: {error}"


def _configuration(case: Case) -> Iterator[str]:
    driver, reason = _module(case, "driver")
    if reason:
        yield reason
        return
    config = getattr(driver, "Config", None)
    if config is None or not callable(getattr(driver, "build", None)):
        yield "driver.py has no Config or no build()"
        return
    if not config.__struct_config__.forbid_unknown_fields:
        yield "Config accepts unknown keys"
    fields, told = set(config.__struct_encode_fields__), set(case.manifest.config if case.manifest else ())
    yield from (f"manifest.toml does not tell of config.{name}" for name in sorted(fields - told))
    for name in sorted(told - fields):
        yield f"manifest.toml tells of config.{name}, which Config does not know"


def _mapping(case: Case) -> Iterator[str]:
    mapping, reason = _module(case, "mapping")
    if reason:
        yield reason
        return
    codes = getattr(mapping, "CODES", None)
    if not isinstance(codes, tuple):
        yield "mapping.py has no tuple CODES"
        return
    seen: set[str] = set()
    for row in codes:
        sent, code, refid, ucum = row
        if sent in seen:
            yield f"{sent!r} is mapped twice"
        seen.add(sent)
        if not 0 < code < 1 << 32:
            yield f"{sent!r}: {code} is no 32-bit code"
        if not refid.startswith("MDC_"):
            yield f"{sent!r}: {refid!r} is no MDC reference id"
        if not ucum or re.search(r"\s", ucum):
            yield f"{sent!r}: {ucum!r} is no UCUM unit"


def _readme(case: Case) -> Iterator[str]:
    path = case.folder / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    parts = re.split(r"^## +(.+?) *$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    for name in HEADINGS:
        if not sections.get(name, "").strip():
            yield f"README.md has no text under '## {name}'"


def _imports(case: Case) -> Iterator[str]:
    own = f"wardbridge.devices.drivers.{case.folder.name}"
    allowed = tuple(f"{name}." for name in (*ALLOWED, own))
    for path in sorted(case.folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("wardbridge.") and not f"{name}.".startswith(allowed):
                    yield f"{path.name}:{getattr(node, 'lineno', 0)} imports {name}"


def _captures(case: Case) -> Iterator[str]:
    assert case.tests is not None
    captures = sorted(p for p in (case.tests / "captures").glob("*") if p.is_file())
    if not captures:
        yield "there is no capture"
    for path in captures:
        if not (case.tests / "expected" / f"{path.stem}.json").is_file():
            yield f"capture {path.name} has no snapshot"


def _kit(case: Case) -> Iterator[str]:
    assert case.tests is not None
    path = case.tests / "test_kit.py"
    if not path.is_file():
        yield "there is no test_kit.py"
        return
    joined = {
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
        for base in node.bases
    }
    if case.manifest is None:
        yield "the manifest cannot be read"
        return
    for kit, asked in KIT.items():
        if asked(case.manifest) and kit not in joined:
            yield f"test_kit.py does not join {kit}"


def _trees(case: Case) -> Iterator[ast.AST]:
    assert case.tests is not None
    for path in sorted(case.tests.glob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _peer(case: Case) -> Iterator[str]:
    peers = case.manifest.peers if case.manifest else ()
    imported: set[str] = set()
    for node in _trees(case):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            imported.add(node.value)  # a peer started as another program is named in its command
    if not imported & set(peers):
        yield f"no test speaks to one of {list(peers)}"


def _simulator(case: Case) -> Iterator[str]:
    name = case.manifest.simulator if case.manifest else ""
    if not name:
        yield "the manifest names no simulator"
        return
    try:
        importlib.import_module(name)
    except ImportError as error:
        yield f"{name} cannot be imported: {error}"


def _named(*words: str) -> Rule:
    def rule(case: Case) -> Iterator[str]:
        for node in _trees(case):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                node.name.startswith("test_") and word in node.name for word in words
            ):
                return
        yield f"no test is named after {' or '.join(words)}"

    return rule


def _soak(case: Case) -> Iterator[str]:
    for node in _trees(case):
        if isinstance(node, ast.Attribute) and node.attr == "slow":
            return
    yield "no test is marked slow"


def _named_device(case: Case) -> Iterator[str]:
    tested = case.manifest.tested if case.manifest else ()
    if not any(t.kind == "device" and t.firmware for t in tested):
        yield "the manifest names no tested device with firmware"


RULES: dict[str, dict[str, Rule]] = {
    "bronze": {
        "manifest": _manifest,
        "layout": _layout,
        "configuration": _configuration,
        "mapping": _mapping,
        "readme": _readme,
        "imports": _imports,
        "captures": _captures,
        "kit": _kit,
    },
    "silver": {
        "independent-peer": _peer,
        "simulator": _simulator,
        "reconnect": _named("reconnect", "peer_loss"),
        "soak": _soak,
        "clock-drift": _named("clock"),
    },
    "gold": {
        "named-device": _named_device,
        "tls": _named("tls"),
        "certificate-rotation": _named("rotat"),
    },
}
NEED_TESTS = {
    "captures",
    "kit",
    "independent-peer",
    "reconnect",
    "soak",
    "clock-drift",
    "tls",
    "certificate-rotation",
}
