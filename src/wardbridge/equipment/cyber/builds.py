"""What a machine is made of, for the matching: its firmware, hardware and operating system as names, and components.

Machines of one model with the same versions of everything are one build.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import cpe as cpes
from wardbridge.equipment.cyber import names
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.values import family
from wardbridge.equipment.cyber.versions import compare

FIRMWARE, OS, HARDWARE = "firmware", "os", "hardware"
_OWN = frozenset({FIRMWARE, OS, HARDWARE})


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a build that may be vulnerable. ``note`` says what is assumed about it."""

    family: str
    name: str
    version: str = ""
    purl: str = ""
    cpes: tuple[str, ...] = ()
    vendor: str = ""
    sbom_id: str = ""
    ref: str = ""
    note: str = ""
    texts: bool = False

    def keys(self) -> list[str]:
        """Where criteria that may fit it are found; ``texts`` where words are all that there is."""
        found = [names.of_package(self.purl)] if self.purl else []
        for one in self.cpes:
            found += names.asked(one)
        if self.texts and self.vendor:
            found.append(names.of_text(self.vendor, self.name))
        return [key for key in dict.fromkeys(found) if key]


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What the view ``device_build`` tells of one build."""

    build_id: str
    model_id: str
    firmware: str = ""
    hardware: str = ""
    os: str = ""
    software: dict[str, str] = {}


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A model's names: maker, model, and its CPEs as (name, what fills its version)."""

    manufacturer: str
    model: str
    cpes: tuple[tuple[str, str], ...] = ()


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """An SBOM in force for a model, with its components as items (without notes)."""

    sbom_id: str
    version: str
    loaded_at: int
    items: tuple[Item, ...]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """A build and what is in it."""

    build_id: str
    model_id: str
    items: tuple[Item, ...]


def build(own: Versions, model: Described, bills: Sequence[Bill]) -> Build:
    """The items of a build: the machine's own versions, its software, and the components of the bill that fits."""
    items = [_firmware(own, model), *_system(own, model), *_hardware(own, model), *_software(own, model)]
    bill, note = fitting(own, bills)
    if bill is not None:
        items += [msgspec.structs.replace(one, note=note) for one in bill.items] if note else bill.items
    return Build(build_id=own.build_id, model_id=own.model_id, items=tuple(one for one in items if one.keys()))


def fitting(own: Versions, bills: Sequence[Bill]) -> tuple[Bill | None, str]:
    """The bill that describes this build: of its version, of every version, else the newest, which is then noted."""
    by_age = sorted(bills, key=lambda one: one.loaded_at, reverse=True)
    for one in by_age:
        if one.version and own.firmware and compare(one.version, own.firmware) == 0:
            return one, ""
    for one in by_age:
        if not one.version:
            return one, ""
    if not by_age:
        return None, ""
    return by_age[0], f"the bill is of version {by_age[0].version}, the machine has {own.firmware or 'an unknown one'}"


def _firmware(own: Versions, model: Described) -> Item:
    found = []
    for name, fills in model.cpes:
        one = cpes.parse(name)
        if fills == FIRMWARE or (not fills and one.part == "o"):
            found.append(filled(one, own.firmware))
        elif one.part == "h" and not one.product.endswith("_firmware"):
            # How the NVD calls what runs on a machine that it names as hardware.
            derived = msgspec.structs.replace(one, part="o", product=one.product + "_firmware", version=cpes.ANY,
                                              update=cpes.ANY)  # fmt: skip
            found.append(filled(derived, own.firmware))
    return Item(
        family=FIRMWARE, name=model.model, version=own.firmware, cpes=tuple(dict.fromkeys(found)),
        vendor=model.manufacturer, texts=True,
    )  # fmt: skip


def filled(name: cpes.Cpe, version: str) -> str:
    """A name with the machine's version where it leaves it open."""
    if version and name.version == cpes.ANY:
        name = msgspec.structs.replace(name, version=cpes.literal(version))
    return str(name)


def _hardware(own: Versions, model: Described) -> list[Item]:
    found = [
        filled(one, own.hardware) for name, fills in model.cpes
        if (one := cpes.parse(name)).part == "h" and fills in ("", HARDWARE)
    ]  # fmt: skip
    return [Item(family=HARDWARE, name=model.model, version=own.hardware, cpes=tuple(found))] if found else []


def _system(own: Versions, model: Described) -> list[Item]:
    text = own.os or own.software.get(OS, "")
    version = own.software.get(OS, "") or _number(own.os)
    found = [filled(cpes.parse(name), version) for name, fills in model.cpes if fills == OS]
    found += [one for one in (system(f"{own.os} {own.software.get(OS, '')}".strip()),) if one]
    return [Item(family=OS, name=text, version=version, cpes=tuple(dict.fromkeys(found)))] if text and found else []


def _number(text: str) -> str:
    found = re.findall(r"\d+(?:\.\d+)*", text)
    return found[-1] if found else ""


@lru_cache(maxsize=1)
def _systems() -> list[tuple[re.Pattern[str], str]]:
    text = resources.files(__package__).joinpath("os.toml").read_text("utf-8")
    return [(re.compile(one["pattern"], re.IGNORECASE), one["cpe"]) for one in tomllib.loads(text)["system"]]


@lru_cache(maxsize=10_000)
def system(text: str) -> str:
    """The CPE name of an operating system as registers write it; '' where it is not known."""
    for pattern, name in _systems():
        found = pattern.search(text)
        if found:
            for at, value in enumerate(found.groups(), 1):
                name = name.replace(f"\\{at}", (value or "").lower())
            return str(cpes.parse(re.sub(r":sp$", "", name)))
    return ""


def _software(own: Versions, model: Described) -> list[Item]:
    """Programs of the machine's own history: named by purl or CPE, or by a name that a CPE of the model fills."""
    fills: Mapping[str, list[str]] = {
        key: [name for name, filler in model.cpes if filler.lower() == key] for key in map(str.lower, own.software)
    }
    out = []
    for name, version in sorted(own.software.items()):
        if name in _OWN:
            continue
        package = name if purls.parse(name) else ""
        found = [filled(cpes.parse(one), version) for one in fills[name.lower()]]
        if name.startswith("cpe:"):
            try:
                found.append(filled(cpes.parse(name), version))
            except Invalid:
                continue
        whole = purls.parse(package)
        out.append(
            Item(family=family(whole.name if whole else name, "", package), name=whole.name if whole else name,
                 version=version, purl=package, cpes=tuple(found))
        )  # fmt: skip
    return out
