"""What one product of a document means for one machine: version, units, conditions, and how certain that is; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from wardbridge.equipment.advisories import codes, names, order, ranges
from wardbridge.equipment.advisories.names import MODEL, Name, words
from wardbridge.equipment.advisories.values import AFFECTED, FIXED, LOOKING, Product

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
CANDIDATE, EXCLUDED = "candidate", "excluded"
_RANK = {CERTAIN: 3, LIKELY: 2, POSSIBLE: 1}
_FIRMWARE = frozenset({"firmware", "software", "os", "operating", "system", "version"})


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What matching knows of a machine. ``software``: name and version of each program that runs now."""

    device_id: str
    model_id: str
    manufacturer: str
    model: str
    catalogue: str = ""
    product_code: str = ""
    di: tuple[str, ...] = ()
    serial: str = ""
    lot: str = ""
    firmware: str = ""
    hardware: str = ""
    os: str = ""
    software: tuple[tuple[str, str], ...] = ()


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a document means for a machine. ``facts`` are those that it rests on."""

    device_id: str
    verdict: str
    certainty: str
    products: tuple[str, ...]
    why: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    reason: str = ""
    facts: dict[str, Any] = {}


NO_VERSION = "the document names no version"


def is_program(name: tuple[str, ...], mine: list[str], vendor: frozenset[str], vendor_words: frozenset[str]) -> bool:
    rest = [word for word in name if word not in vendor_words] or list(name)
    if rest[: len(mine)] != mine or not name:
        return False
    if not all(word[0].isdigit() or word in names.EDITIONS for word in rest[len(mine) :]):
        return False
    if len(rest) < len(name) or names.PLATFORMS.get(mine[0]) in vendor:
        return True
    return len(mine) > 1 and any(word not in names.COMMON for word in mine)


def short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def designates(product: Product) -> bool:
    """Whether what stands as version is rather a model's number or name."""
    said = product.range
    return bool(said.problem) or any(order.shape(one.low) not in ("digits", "") for one in said.intervals)


def judge(product: Product, machine: Machine, strength: int, line: str, *, certain: bool = False) -> Iterator[Match]:
    why: list[str] = [line]
    unknown: list[str] = []
    if product.host is not None:
        version, named = _part_version(product, machine)
        why.append(f"it is installed on {short(product.host['product'])}")
    else:
        version, named = machine.firmware, "firmware"
    inside, how = _version(product, machine, version, named)
    if how[0]:
        (unknown if how[1] else why).append(how[0])
    listed, where = _listed(product, machine)
    if where and listed is not False:
        (why if listed else unknown).append(where)
    code = product.product_code
    if code and code == machine.product_code:
        why.append(f"product code {code} is the same")
    condition = _condition(product, machine)
    if condition:
        unknown.append(condition)
    status = set(product.status.values())
    reason = ""
    if not status & {AFFECTED, LOOKING}:
        if inside is not True:
            return
        reason = f"listed as {'fixed' if FIXED in status else 'not affected'}: {how[0]}"
    elif inside is False:
        reason = how[0]
    elif listed is False:
        reason = where
    if status == {LOOKING}:
        unknown.append("the publisher is still investigating")
    verdict = EXCLUDED if reason else CANDIDATE
    yield Match(
        device_id=machine.device_id, verdict=verdict, products=(product.product_id,), why=tuple(why),
        certainty=_certainty(product, strength, inside, listed, bool(unknown), certain=certain), unknown=tuple(unknown),
        reason=reason, facts=facts_of(machine, [product]),
    )  # fmt: skip


def _certainty(
    product: Product, strength: int, inside: bool | None, listed: bool | None, open_: bool, *, certain: bool
) -> str:
    if open_:
        return LIKELY if certain and listed is not None else POSSIBLE
    if listed or (certain and listed is None and inside is not False):
        return CERTAIN
    told = inside is True or (not product.range.stated and product.codes.every)
    return LIKELY if strength >= MODEL and told else POSSIBLE


def _version(product: Product, machine: Machine, version: str, named: str) -> tuple[bool | None, tuple[str, bool]]:
    """Whether the machine's version is meant, and (what to say, whether that is something unknown)."""
    said = product.range
    if not said.stated:
        return None, ("", False) if product.prose or product.codes.text or product.codes.serials else (
            NO_VERSION,
            True,
        )
    if version and " ".join(version.casefold().split()) == " ".join(product.version.casefold().split()):
        return True, (f"{named} {version} is the one stated", False)
    if designates(product) and _designated(product, machine):
        return True, (f"the machine is “{short(product.version)}”", False)
    answer = ranges.within(version, said)
    text = ranges.text(said)
    if said.problem:
        return None, (said.problem, True)
    if said.every:
        return answer, ("all versions are meant", False)
    if not version:
        return None, (f"{named} version is not recorded; meant is {text}", True)
    if answer is None:
        return None, (f"{named} {version} cannot be compared with {text}", True)
    return answer, (f"{named} {version} is {'within' if answer else 'not within'} {text}", False)


def _designated(product: Product, machine: Machine) -> bool:
    """Whether an alternative that a designation lists is this machine's model, catalogue number or hardware."""
    mine = Name(f"{machine.model} {machine.catalogue} {machine.hardware}")
    for part in product.version.replace(" / ", "|").split("|"):
        telling = Name(part).telling
        if telling and all(mine.has(word) for word in telling) and any(c.isdigit() for w in telling for c in w):
            return True
    return False


def _part_version(product: Product, machine: Machine) -> tuple[str, str]:
    """The version of a part that is installed on the machine, and what it is called."""
    part = words(product.product)
    for name, version in machine.software:
        if words(name) == part or is_program(
            words(name), list(part), frozenset({"?"}), frozenset(words(product.vendor))
        ):
            return version, name
    host = words((product.host or {}).get("product", ""))
    if _FIRMWARE & set(part) or part == host:
        return machine.firmware, "firmware"
    return "", short(product.product)


def _listed(product: Product, machine: Machine) -> tuple[bool | None, str]:
    """Whether lot or serial number are among the stated ones: None where that cannot be said."""
    said = product.codes
    if not (said.lists_lots or said.lists_serials or said.text):
        return None, ""
    entry = codes.serial_in(machine.serial, said) or _wild(machine.serial, said.serials)
    if entry:
        return True, f"serial number {machine.serial} is listed ({entry})"
    entry = codes.lot_in(machine.lot, said)
    if entry:
        return True, f"lot {machine.lot} is listed ({entry})"
    if said.every:
        return None, ""
    if said.others:
        plain = {codes.plain(one) for one in said.others}
        for name, mine in (("serial number", machine.serial), ("lot", machine.lot)):
            if len(mine) > 3 and codes.plain(mine) in plain:
                return True, f"{name} {mine} stands in the list of codes"
    if said.complete and not (said.lists_lots or said.lists_serials) and (said.di or said.models):
        return None, ""
    if not said.complete or not (said.lists_lots or said.lists_serials):
        return None, f"which units are meant cannot be read for sure: “{short(said.text)}”"
    asked = [("lot", machine.lot)] * said.lists_lots + [("serial number", machine.serial)] * said.lists_serials
    missing = [name for name, mine in asked if not mine]
    if missing:
        return None, f"{' and '.join(missing)} of the machine not recorded; the document lists some"
    return False, f"{' and '.join(f'{name} {mine}' for name, mine in asked)} not listed"


def _wild(serial: str, listed: tuple[str, ...]) -> str:
    """CSAF 3.1.3.3.5: ``*`` and ``?`` stand for parts of a serial number."""
    return next((one for one in listed if ("*" in one or "?" in one) and serial and fnmatchcase(serial, one)), "")


def _condition(product: Product, machine: Machine) -> str:
    said = product.range.condition
    if not said:
        return ""
    programs = " ".join(f"{name} {version}" for name, version in machine.software)
    mine = Name(f"{machine.model} {machine.catalogue} {machine.hardware} {machine.os} {programs}")
    telling = Name(said).telling
    if telling and all(mine.has(word) for word in telling):
        return ""
    return f"a condition that the register cannot check: {short(said)}"


def rest_of(name: str, product: Product) -> str:
    """The version in a program's own name (``Windows 10``)."""
    known = set(words(product.product)) | set(words(product.vendor))
    return " ".join(word for word in words(name) if word not in known)


def judge_program(product: Product, machine: Machine, name: str, version: str) -> Iterator[Match]:
    """What a product means for a machine that runs a program of its name: nothing where its version is outside."""
    said = product.range
    answer = True if version and version == product.version else ranges.within(version, said)
    if answer is False or not set(product.status.values()) & {AFFECTED, LOOKING}:
        return
    text = ranges.text(said)
    unknown = (
        []
        if answer
        else [
            f"{name} {version} cannot be compared with {text}"
            if version
            else f"version of {name} is not recorded; meant is {text}"
        ]
    )
    condition = _condition(product, machine)
    if condition:
        unknown.append(condition)
    yield Match(
        device_id=machine.device_id, verdict=CANDIDATE, certainty=POSSIBLE if unknown else LIKELY,
        products=(product.product_id,),
        why=(f"it runs {name} {version}".strip(), *(() if unknown else (f"within {text}",))),
        unknown=tuple(unknown), facts=facts_of(machine, [product]),
    )  # fmt: skip


def facts_of(machine: Machine, products: Sequence[Product]) -> dict[str, Any]:
    """What a decision on this machine rests on: the machine as it is, the document's statements on its product."""
    own = {
        "manufacturer": machine.manufacturer, "model": machine.model, "catalogue": machine.catalogue,
        "serial": machine.serial, "lot": machine.lot, "firmware": machine.firmware, "hardware": machine.hardware,
        "os": machine.os, "software": "; ".join(f"{name} {version}" for name, version in sorted(machine.software)),
    }  # fmt: skip
    return {name: value for name, value in own.items() if value} | {
        "said": sorted({statement(one) for one in products})
    }


def statement(product: Product) -> str:
    """What a document says of a product, in one line; long lists by their digest."""
    listed = product.codes.text or " ".join(product.codes.serials)
    mark = f" units {hashlib.sha256(listed.encode()).hexdigest()[:12]}" if listed else ""
    state = ",".join(sorted(set(product.status.values())))
    return f"{product.vendor} {short(product.product)} {product.version}".strip() + f"{mark} [{state}]"


def joined(several: list[Match]) -> Match:
    """One answer for a machine that several products of a document concern: what is most certain."""
    if len(several) == 1:
        return several[0]
    yes = sorted((one for one in several if one.verdict == CANDIDATE), key=lambda one: -_RANK[one.certainty])
    no = [one for one in several if one.verdict == EXCLUDED]
    told = [one for one in no if one.reason.startswith("listed as ")]
    if yes and not (told and yes[0].certainty == POSSIBLE):
        chosen, verdict, reason = yes, CANDIDATE, ""
    else:
        chosen = told or no
        verdict, reason = EXCLUDED, "; ".join(dict.fromkeys(one.reason for one in chosen))
    best = [one for one in chosen if one.certainty == chosen[0].certainty]
    facts = {**chosen[0].facts, "said": sorted({line for one in several for line in one.facts["said"]})}
    return Match(
        device_id=chosen[0].device_id, verdict=verdict, certainty=chosen[0].certainty, reason=reason, facts=facts,
        products=tuple(dict.fromkeys(ident for one in chosen for ident in one.products)),
        why=tuple(dict.fromkeys(line for one in best for line in one.why)),
        unknown=tuple(dict.fromkeys(line for one in best for line in one.unknown)),
    )  # fmt: skip
