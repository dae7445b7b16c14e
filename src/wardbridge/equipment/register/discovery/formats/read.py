"""Any export of a network tool, by how it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid
from wardbridge.equipment.register.discovery.formats import lldp, netbox, text
from wardbridge.equipment.register.discovery.values import Export
from wardbridge.equipment.register.lists.sheet import read as read_sheet

MOST_SIGHTINGS = 100_000


def read(files: Sequence[bytes], where: str = "") -> Export:
    """Sightings of one export; several files are parts of the same one (NetBox). ``where`` names the switch of LLDP.

    Raises Invalid for what is no format that we know.
    """
    values: list[Any] = []
    others: list[bytes] = []
    for data in files:
        if not data.strip():
            raise Invalid("the file is empty", "file")
        value = _json(data)
        if value is None:
            others.append(data)
        else:
            values.append(value)
    if values and others:
        raise Invalid("files of several kinds: give those of one export", "file")
    found = _of_values(values, where) if values else _of_texts(others)
    if len(found.sightings) > MOST_SIGHTINGS:
        raise Invalid(f"more than {MOST_SIGHTINGS} entries: divide the export", "file")
    return found


def _json(data: bytes) -> Any:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"this JSON is damaged: {error}"[:200], "file") from error


def _of_values(values: Sequence[Any], where: str) -> Export:
    for value in values:
        neighbours = lldp.read(value, where)
        if neighbours is not None:
            return neighbours
    found = netbox.read([one for value in values for one in netbox.objects(value)])
    if found is None:
        raise Invalid("this JSON is neither of lldpcli nor of NetBox", "file")
    return found


def _of_texts(files: Sequence[bytes]) -> Export:
    exports = []
    for data in files:
        if b"\x00" in data[:4096]:
            raise Invalid("this is no text", "file")
        body = data.decode("utf-8-sig", "replace")
        found = text.read(body)
        if found is None:
            found = netbox.table([cells for _, cells in read_sheet(data).rows])
        if found is None:
            raise Invalid("no export that is known: leases of ISC dhcpd, Kea, dnsmasq; ip neigh, arp -a, show ip arp; "
                          "lldpcli -f json; NetBox", "file")  # fmt: skip
        exports.append(found)
    passed: Counter[str] = Counter()
    for export in exports:
        passed.update(export.passed)
    seen = tuple(one for export in exports for one in export.sightings)
    return Export(kind=exports[0].kind, sightings=seen, passed=dict(passed))
