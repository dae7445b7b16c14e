"""The columns of a list of machines: what they are called, by whom they may be called otherwise, what they mean.

Headings are compared without case, spaces and punctuation. A column of an interface may carry a number
(``MAC 2``): the second interface of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec


class Column(msgspec.Struct, frozen=True):
    """``part``: id, model, asset, place, interface or parent; ``field``: of that value; ``reads``: how a cell becomes
    it (a name of :mod:`cells`)."""

    heading: str
    part: str
    field: str
    reads: str
    about: str
    synonyms: tuple[str, ...] = ()


COLUMNS: tuple[Column, ...] = (
    Column("Device ID", "id", "device_id", "ident", "the register's own id of the machine",
           ("wardbridge id", "fhir id")),
    Column("Asset Number", "asset", "tag", "text", "the number on the sticker, unique in the house",
           ("asset no", "asset", "asset tag", "asset id", "inventory number", "inventory no", "tag", "control number",
            "equipment number", "equipment no", "equipment id", "cmms id", "property number")),
    Column("Manufacturer", "model", "manufacturer", "text", "needed for a new machine",
           ("make", "mfr", "mfg", "oem", "brand", "manufacturer name")),
    Column("Model", "model", "name", "text", "needed for a new machine",
           ("model name", "device model", "model no", "model number", "product", "product name")),
    Column("Catalogue Number", "model", "catalogue", "text", "the manufacturer's order number of the model",
           ("catalog number", "catalogue no", "catalog no", "ref", "article number", "part no", "sku")),
    Column("Type", "model", "kind", "text", "what it is: infusion pump, monitor …",
           ("kind", "device type", "equipment type", "description", "device description", "category", "nomenclature")),
    Column("Class", "model", "class", "class", "imaging, radiologic, laser, life-support, therapy, monitoring, "
           "diagnostic, laboratory, it, other", ("device class", "equipment class")),
    Column("Product Code", "model", "product_code", "text", "FDA product code", ("fda product code", "procode")),
    Column("GMDN", "model", "gmdn", "text", "GMDN code of the model", ("gmdn code",)),
    Column("UMDNS", "model", "umdns", "text", "UMDNS code of the model", ("umdns code", "umdn")),
    Column("Storage", "model", "storage", "storage", "whether the model keeps patient data: yes, no, unknown",
           ("stores phi", "phi", "patient data", "data storage")),
    Column("Support Ends", "model", "support_ends", "date", "when the manufacturer's support of the model ends",
           ("end of support", "eos", "end of life", "eol")),
    Column("Security Support Ends", "model", "security_ends", "date", "when its security updates end",
           ("end of security support", "end of security updates")),
    Column("Serial Number", "asset", "serial", "text", "of the manufacturer",
           ("serial", "serial no", "sn", "s n", "serialnumber", "mfr serial")),
    Column("Lot", "asset", "lot", "text", "lot or batch", ("lot number", "lot no", "batch", "batch number")),
    Column("UDI", "asset", "udi", "udi", "the label as scanned or printed; fills DI, lot, serial number and dates",
           ("unique device identifier", "udi carrier", "barcode", "udi hri")),
    Column("UDI-DI", "asset", "di", "di", "device identifier alone",
           ("di", "gtin", "udi di", "device identifier", "primary di")),
    Column("Name", "asset", "label", "text", "what people call it",
           ("label", "device name", "friendly name", "equipment name", "alias")),
    Column("State", "asset", "state", "state", "where a new machine is in its life; known ones keep theirs",
           ("status", "life cycle", "lifecycle", "life cycle state")),
    Column("Criticality", "asset", "criticality", "criticality", "life-support, high, medium, low",
           ("risk", "risk level", "priority")),
    Column("Owner", "asset", "owner", "text", "who paid for it", ("cost center", "cost centre", "owned by")),
    Column("Department", "asset", "department", "text", "who uses it", ("dept", "using department", "service")),
    Column("Ward", "place", "ward", "place", "where it belongs", ("unit", "location", "area", "floor")),
    Column("Room", "place", "room", "place", "", ("room no", "room number")),
    Column("Bed", "place", "bed", "place", "", ("bed no", "bed number", "bay")),
    Column("Part Of", "parent", "parent", "text", "asset number or device id of the machine that contains it",
           ("parent", "parent asset", "parent asset number", "module of", "installed in", "system")),
    Column("Firmware", "asset", "firmware", "text", "version",
           ("software version", "firmware version", "fw", "software", "sw version", "software revision")),
    Column("Hardware", "asset", "hardware", "text", "version", ("hardware version", "hardware revision", "hw")),
    Column("Operating System", "asset", "os", "text", "name and version", ("os", "os version", "platform")),
    Column("Manufactured", "asset", "manufactured", "date", "",
           ("manufacture date", "manufacturing date", "date of manufacture", "mfg date", "production date")),
    Column("Expires", "asset", "expires", "date", "", ("expiration date", "expiry date", "expiry", "use by")),
    Column("Bought", "asset", "bought", "date", "",
           ("purchase date", "purchased", "acquired", "acquisition date", "date of purchase", "po date")),
    Column("Installed", "asset", "installed", "date", "",
           ("installation date", "install date", "in service date", "commissioned", "in service since")),
    Column("Warranty Ends", "asset", "warranty_ends", "date", "",
           ("warranty", "warranty end", "warranty until", "warranty expiration", "warranty expiry", "warranty date",
            "warranty expires")),
    Column("Price", "asset", "price", "money", "what it cost; 12345.67",
           ("cost", "purchase price", "purchase cost", "acquisition cost", "value")),
    Column("Currency", "asset", "currency", "currency", "three letters (ISO 4217)", ("curr",)),
    Column("Vendor", "asset", "vendor", "text", "who sold it", ("supplier", "dealer", "purchased from")),
    Column("Note", "asset", "note", "text", "", ("notes", "comment", "comments", "remarks")),
    Column("Interface", "interface", "name", "text", "name of the network interface, such as eth0",
           ("interface name", "nic", "network interface")),
    Column("MAC", "interface", "mac", "mac", "any usual spelling",
           ("mac address", "mac addr", "ethernet address", "hardware address", "physical address")),
    Column("IP", "interface", "ip", "ip", "IPv4 or IPv6",
           ("ip address", "ip addr", "ipv4", "ipv4 address", "ipv6", "ipv6 address", "network address")),
    Column("Hostname", "interface", "hostname", "text", "",
           ("host", "host name", "dns name", "fqdn", "computer name", "network name")),
    Column("VLAN", "interface", "vlan", "vlan", "1 to 4094", ("vlan id", "vid")),
    Column("Switch", "interface", "switch", "text", "", ("switch name", "access switch")),
    Column("Switch Port", "interface", "port", "text", "", ("port", "switchport", "switch interface")),
    Column("Zone", "interface", "zone", "text", "security zone (IEC 62443)",
           ("security zone", "network zone", "segment")),
)  # fmt: skip
MOST_INTERFACES = 16


class Heading(msgspec.Struct, frozen=True):
    """A known heading of a list: its column and, of an interface, which one (1, 2 …)."""

    column: Column
    number: int = 1


def plain(text: str) -> str:
    """A heading without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text.casefold())


_KNOWN = {plain(name): column for column in COLUMNS for name in (column.heading, *column.synonyms)}


def known(text: str) -> Heading | None:
    """What a heading means, None when it is no column of the register."""
    body = plain(text)
    if body in _KNOWN:
        return Heading(_KNOWN[body])
    numbered = re.fullmatch(r"(.*?\D)(\d{1,2})", body)
    column = _KNOWN.get(numbered[1]) if numbered else None
    if column is None or numbered is None or column.part != "interface":
        return None
    number = int(numbered[2])
    return Heading(column, number) if 1 <= number <= MOST_INTERFACES else None


def headings(interfaces: int) -> list[str]:
    """The headings of an export whose machines have at most so many interfaces."""
    single = [column.heading for column in COLUMNS if column.part != "interface"]
    repeated = [column.heading for column in COLUMNS if column.part == "interface"]
    return single + [
        heading if number == 1 else f"{heading} {number}" for number in range(1, interfaces + 1) for heading in repeated
    ]


def count_known(texts: Sequence[str]) -> int:
    """How many of these headings are columns of the register."""
    return sum(known(text) is not None for text in texts)
