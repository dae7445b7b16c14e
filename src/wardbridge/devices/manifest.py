"""What a driver says of itself: ``manifest.toml``, read into a frozen value or refused with the reason.

The format is described in ``devices/drivers/README.md``.
"""

from __future__ import annotations

import datetime
import importlib.util
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

DRIVERS = Path(__file__).parent / "drivers"


class Problem(NamedTuple):
    """One broken rule: in which file, at which key, and what."""

    file: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.what}" if self.key else f"{self.file}: {self.what}"


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One configuration key, as shown to the person who connects a device."""

    text: str
    example: Any = None
    secret: bool = False


class Tested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the driver has really spoken to."""

    kind: Literal["device", "simulator", "library", "captures"]
    maker: str
    model: str
    date: datetime.date
    firmware: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of one driver."""

    name: str
    title: str
    summary: str
    protocol: str
    transport: Literal["tcp", "udp", "http", "serial", "ble", "mqtt", "file"]
    role: Literal["listen", "dial", "fed"]
    shape: Literal["stream", "session"]
    direction: Literal["in", "out", "both"]
    data: tuple[Literal["identity", "reading", "waveform", "alert", "event", "subject"], ...]
    delivery: Literal["acknowledged", "at-most-once"]
    clock: Literal["device", "gateway"]
    discovery: Literal["none", "ws-discovery", "mdns", "broadcast"]
    safety: str
    modules: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    simulator: str = ""
    config: dict[str, Setting] = {}
    tested: tuple[Tested, ...] = ()


def read_toml(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The table in ``path``; a missing or broken file is a problem and an empty table."""
    name = f"{path.parent.name}/{path.name}"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, [Problem(name, "", "is missing")]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [Problem(name, "", f"is not TOML: {error}")]


def read_manifest(folder: Path) -> tuple[Manifest | None, list[Problem]]:
    """The manifest of the driver in ``folder``, or why there is none."""
    table, problems = read_toml(folder / "manifest.toml")
    if problems:
        return None, problems
    file = f"{folder.name}/manifest.toml"
    try:
        manifest = msgspec.convert(table, Manifest)
    except msgspec.ValidationError as error:
        what, _, key = str(error).partition(" - at ")
        return None, [Problem(file, key.strip("`").removeprefix("$."), what)]
    return manifest, list(_content(manifest, folder, file))


def _content(manifest: Manifest, folder: Path, file: str) -> Iterator[Problem]:
    if manifest.name != folder.name:
        yield Problem(file, "name", f"is {manifest.name!r}, the folder is {folder.name!r}")
    for key in ("title", "summary", "protocol", "safety"):
        if not getattr(manifest, key).strip():
            yield Problem(file, key, "is empty")
    if not manifest.data:
        yield Problem(file, "data", "names no kind of value")
    if len(set(manifest.data)) != len(manifest.data):
        yield Problem(file, "data", "names a kind twice")
    for module in manifest.modules:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            yield Problem(file, "modules", f"{module} is not installed")
    for key, setting in manifest.config.items():
        if not setting.text.strip():
            yield Problem(file, f"config.{key}.text", "is empty")
    for number, tested in enumerate(manifest.tested):
        if tested.kind == "device" and not tested.firmware:
            yield Problem(file, f"tested[{number}].firmware", "a tested device needs its firmware")
