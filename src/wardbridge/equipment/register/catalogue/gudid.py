"""GUDID as openFDA gives it (``device/udi``: ``results`` of snake_case records) and as lists of camelCase records, one
JSON object a line; gzip or plain."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.equipment.register.catalogue import store
from wardbridge.equipment.register.catalogue.values import Entry, Package
from wardbridge.equipment.register.lists.cells import word
from wardbridge.equipment.register.lists.match import same_di
from wardbridge.equipment.register.values import Model
from wardbridge.equipment.udi.hibcc import mod43
from wardbridge.equipment.udi.parse import parse
from wardbridge.equipment.udi.values import HIBCC

STEP = 1000
MOST_UNPACKED = 2_000_000_000
_LABEL = {"lot": "lot", "serial": "serial", "manufacturingDate": "manufactured", "expirationDate": "expiration",
          "donationId": "donation", "has_lot_or_batch_number": "lot", "has_serial_number": "serial",
          "has_manufacturing_date": "manufactured", "has_expiration_date": "expiration",
          "has_donation_id_number": "donation"}  # fmt: skip
_AGENCIES = {"GS1": "GS1", "HIBCC": "HIBCC", "ICCBBA": "ICCBBA"}


def candidates(text: str, year: int) -> list[str]:
    """Every spelling under which an identifier may be kept: as it stands, and without what may be a check character of
    HIBCC (of a body that ends like one by chance, too)."""
    body = text.strip().strip("*").removeprefix("+")
    found = [same_di(text.strip()), same_di(body)]
    if len(body) > 6 and mod43("+" + body[:-1]) == body[-1]:
        found.append(same_di(body[:-1]))
    for agency in ("", HIBCC):
        di = text
        for _ in range(2):
            di = parse(di, year, agency).di
            found.append(same_di(di))
    return [di for di in dict.fromkeys(found) if di]


async def find(source: store.Source, text: str, year: int) -> list[tuple[Entry, Package]]:
    """What a scanned label or a bare identifier is, with the package level that it names."""
    return await store.by_di(source, candidates(text, year))


def records(data: bytes) -> Iterator[Mapping[str, Any]]:
    """The records of a file. Raises Invalid for what is none."""
    if data[:2] == b"\x1f\x8b":
        try:
            unpacked = zlib.decompressobj(wbits=31)
            data = unpacked.decompress(data, MOST_UNPACKED)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise Invalid("this gzip file is damaged", "file") from error
        if unpacked.unconsumed_tail:
            raise Invalid("the file unpacks to too much", "file")
    decoder = msgspec.json.Decoder()
    lines = [data] if _whole(data) else data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f"line {number} is no JSON: {error}"[:200], "file") from error
        found = value.get("results", [value]) if isinstance(value, Mapping) else value
        for one in found if isinstance(found, list) else []:
            if isinstance(one, Mapping) and one.get("identifiers"):
                yield one


def _whole(data: bytes) -> bool:
    """Whether a file is one JSON document rather than one a line."""
    head = data[:4096].lstrip()
    return head[:1] == b"[" or (head[:1] == b"{" and (b'"results"' in head or b'"meta"' in head))


def read(record: Mapping[str, Any], year: int, source: str) -> tuple[Entry, list[Package]]:
    """A record as values. What is odd about an identifier is a warning; none is left out."""
    found = [one for one in record["identifiers"] if isinstance(one, Mapping) and one.get("id")]
    primary = next((one for one in found if one.get("type") == "Primary"), found[0] if found else {})
    ident = str(record.get("deviceId") or record.get("public_device_record_key") or primary.get("id", ""))
    terms = _list(record.get("gmdn") or record.get("gmdn_terms"))
    codes = _list(record.get("productCodes") or record.get("product_codes"))
    flags = record.get("pi") or record
    entry = Entry(
        entry_id=ident, manufacturer=_text(record, "companyName", "company_name"),
        brand=_text(record, "brandName", "brand_name"),
        model=_text(record, "versionModelNumber", "version_or_model_number"),
        number=_text(record, "catalogNumber", "catalog_number"), kind=_name(terms[0], "name") if terms else "",
        gmdn=_name(terms[0], "code", "") if terms else "", product_code=_name(codes[0], "code") if codes else "",
        description=_text(record, "description", "device_description"), mri=_text(record, "mri", "mri_safety"),
        label=tuple(dict.fromkeys(ours for name, ours in _LABEL.items() if flags.get(name) in (True, "true"))),
        ended=_text(record, "distributionEnd", "commercial_distribution_end_date"), source=source,
    )  # fmt: skip
    return entry, [_package(one, ident, year) for one in found]


def _package(one: Mapping[str, Any], entry_id: str, year: int) -> Package:
    agency = _AGENCIES.get(str(one.get("agency") or one.get("issuing_agency") or "").upper(), "")
    udi = parse(str(one["id"]), year, agency)
    return Package(
        di=same_di(udi.di or str(one["id"])), entry_id=entry_id, agency=agency or udi.issuer,
        level=_text(one, "type"), contains=_text(one, "contains", "unit_of_use_id"),
        quantity=_text(one, "quantity", "quantity_per_package"), warnings=udi.warnings,
    )  # fmt: skip


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _name(node: Any, field: str, other: str | None = None) -> str:
    """A field of an object; a bare text is its name."""
    if isinstance(node, Mapping):
        return word(str(node.get(field, "")))
    return word(str(node)) if other is None else other


def _text(record: Mapping[str, Any], *names: str) -> str:
    return next((word(str(record[name])) for name in names if record.get(name)), "")


async def load(conn: Connection, data: bytes, year: int, source: str) -> tuple[int, int, int]:
    """Put a file into the catalogue: how many entries, identifiers, and of those with a warning. Raises Invalid."""
    entries: dict[str, Entry] = {}
    packages: dict[tuple[str, str], Package] = {}
    total = [0, 0, 0]

    async def flush() -> None:
        await store.put(conn, list(entries.values()), list(packages.values()))
        total[0] += len(entries)
        total[1] += len(packages)
        total[2] += sum(bool(one.warnings) for one in packages.values())
        entries.clear()
        packages.clear()

    for record in records(data):
        entry, found = read(record, year, source)
        entries[entry.entry_id] = entry
        packages.update({(one.di, one.entry_id): one for one in found})
        if len(entries) >= STEP:
            await flush()
    await flush()
    await store.analyze(conn)
    return total[0], total[1], total[2]


def best(found: Sequence[tuple[Entry, Package]]) -> Entry | None:
    """The one entry that an identifier means; None where several do."""
    return found[0][0] if len({entry.entry_id for entry, _ in found}) == 1 else None


def model(entry: Entry, di: str) -> Model:
    """What an entry says of a model that is yet to be added (``model_id`` empty)."""
    return Model(
        model_id="", manufacturer=entry.manufacturer, name=entry.model or entry.brand, catalogue=entry.number,
        kind=entry.kind, gmdn=entry.gmdn, product_code=entry.product_code, di=(di,), note=entry.brand,
    )  # fmt: skip
