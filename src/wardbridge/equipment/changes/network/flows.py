"""Reading flow records: Zeek conn.log (TSV and JSON), nfdump CSV (NetFlow, IPFIX), any CSV with a header.

Tolerant: a line that cannot be understood is kept with its number and the reason, the others count. Formats: Zeek
"Log Formats" (``#separator``, ``#fields``, unset ``-``), nfdump ``-o csv`` of 1.6 (sa, da …) and 1.7 (srcAddr …).
"""

from __future__ import annotations

import csv
import io
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from wardbridge.core.clock import SECOND
from wardbridge.core.errors import Invalid
from wardbridge.equipment.changes.network.values import ICMP, Bad, Flow, Parsed

NAMES: dict[str, tuple[str, ...]] = {
    "at": ("ts", "firstseen", "first_seen", "time", "timestamp", "start", "start_time", "datetime", "date"),
    "source": ("id.orig_h", "sa", "srcaddr", "src4_addr", "src", "src_ip", "srcip", "source", "source_ip", "saddr"),
    "target": ("id.resp_h", "da", "dstaddr", "dst4_addr", "dst", "dst_ip", "dstip", "destination", "destination_ip",
               "daddr", "dest_ip"),
    "source_port": ("id.orig_p", "sp", "srcport", "src_port", "sport", "source_port"),
    "port": ("id.resp_p", "dp", "dstport", "dst_port", "dport", "destination_port", "dest_port", "port"),
    "protocol": ("proto", "pr", "protocol", "ip_proto"),
    "count": ("flows", "count", "connections"),
}  # fmt: skip
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmp6", "132": "sctp", "47": "gre", "50": "esp",
             "ipv6-icmp": "icmp6", "icmpv6": "icmp6"}  # fmt: skip
EPHEMERAL = 32768
KEPT = 500
"""So many characters of a bad line are kept."""
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def read(data: bytes) -> Parsed:
    """The flows of a file, whatever of the known formats it has. Raises Invalid where no line shows one."""
    lines = data.decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("#"):
        return _zeek(lines)
    if first.lstrip().startswith("{"):
        return _all("zeek-json", lines, _json_rows(lines), whole=True)
    return _csv(lines)


def _zeek(lines: list[str]) -> Parsed:
    separator, unset, names = "\t", "-", None
    rows: list[tuple[int, str, dict[str, str] | str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#separator"):
            mark = line.split(" ", 1)[-1].strip()
            separator = bytes.fromhex(mark[2:]).decode() if mark.startswith("\\x") and len(mark) == 4 else mark or "\t"
        elif line.startswith("#unset_field"):
            unset = line.split(separator)[-1]
        elif line.startswith("#fields"):
            names = line.split(separator)[1:]
        elif line.startswith("#") or not line.strip():
            continue
        elif names is None:
            rows.append((number, line, "no #fields line before it"))
        else:
            cells = line.split(separator)
            fields = {name: cell for name, cell in zip(names, cells, strict=False) if cell != unset}
            fits = len(cells) == len(names)
            rows.append((number, line, fields if fits else f"{len(cells)} cells, {len(names)} fields"))
    if names is None and not rows:
        raise Invalid("this is no Zeek log: it has no #fields line", "file")
    return _all("zeek", lines, rows, whole=True)


def _json_rows(lines: list[str]) -> Iterator[tuple[int, str, dict[str, str] | str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line.strip().rstrip(","))
        except msgspec.DecodeError:
            yield number, line, "no JSON object"
            continue
        if isinstance(found, dict):
            yield number, line, {str(k).casefold(): str(v) for k, v in found.items() if v is not None}
        else:
            yield number, line, "no JSON object"


def _csv(lines: list[str]) -> Parsed:
    header = next((at for at, line in enumerate(lines) if line.strip()), None)
    if header is None:
        raise Invalid("the file is empty", "file")
    delimiter = max(",;\t|", key=lines[header].count)
    names = [name.strip().strip('"').casefold() for name in lines[header].split(delimiter)]
    if not any(name in NAMES["source"] for name in names) or not any(name in NAMES["target"] for name in names):
        raise Invalid("the first line names no source and destination address", "line 1")
    nfdump = {"sa", "da"} <= set(names) or {"srcaddr", "dstaddr"} <= set(names)

    def rows() -> Iterator[tuple[int, str, dict[str, str] | str]]:
        for number, line in enumerate(lines[header + 1 :], header + 2):
            if not line.strip():
                continue
            if nfdump and line.strip().casefold() in ("summary", "no matched flows"):
                return
            try:
                cells = next(csv.reader(io.StringIO(line), delimiter=delimiter, strict=True))
            except (csv.Error, StopIteration):
                yield number, line, "broken quotes"
                continue
            yield number, line, dict(zip(names, (cell.strip() for cell in cells), strict=False))

    return _all("nfdump" if nfdump else "csv", lines, rows(), whole=False)


def _all(kind: str, lines: list[str], rows: Iterable[tuple[int, str, dict[str, str] | str]], *, whole: bool) -> Parsed:
    flows, bad = [], []
    for number, line, row in rows:
        try:
            if isinstance(row, str):
                raise Invalid(row)
            flows.append(flow(row, whole=whole))
        except Invalid as error:
            bad.append(Bad(number, error.message, line[:KEPT]))
    return Parsed(format=kind, lines=len(lines), flows=flows, bad=bad)


def flow(row: Mapping[str, str], *, whole: bool) -> Flow:
    """A record as a flow. ``whole``: it is a connection with a known opener; otherwise it may be one direction of it,
    and the side with the service's port is found by the ports. Raises Invalid."""
    said = {what: _first(row, names) for what, names in NAMES.items()}
    source, target = address(said["source"]), address(said["target"])
    protocol = said["protocol"].casefold()
    protocol = PROTOCOLS.get(protocol, protocol) or "tcp"
    if not protocol.replace("-", "").isalnum() or len(protocol) > 12:
        raise Invalid(f"{protocol[:20]!r} is no protocol")
    port = _port(said["port"], "port") if protocol not in ICMP else 0
    other = _port(said["source_port"], "source port") if protocol not in ICMP and said["source_port"] else None
    if not whole and other is not None and _is_answer(other, port):
        source, target, port = target, source, other
    count = _number(said["count"], "count") if said["count"] else 1
    return Flow(moment(said["at"]), source, target, port, protocol, max(count, 1))


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((row[name].strip() for name in names if row.get(name, "").strip()), "")


def _is_answer(source_port: int, port: int) -> bool:
    """Whether a one-way record runs from the service to its client: its source port is the well-known one."""
    if (source_port < 1024) != (port < 1024):
        return source_port < 1024
    return source_port < EPHEMERAL <= port


def address(text: str) -> str:
    """An IP address in its usual spelling. Raises Invalid."""
    try:
        return str(ipaddress.ip_address(text.split("%")[0]))
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no IP address") from error


def _port(text: str, what: str) -> int:
    number = _number(text.split(".")[0], what)
    if number > 65535:
        raise Invalid(f"{number} is no {what}")
    return number


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Invalid(f"{text[:20]!r} is no {what}")
    return int(text)


def moment(text: str) -> int:
    """Seconds or milliseconds since the epoch, or ISO 8601 (UTC where it names no zone), as µs. Raises Invalid."""
    tries: tuple[Callable[[], float], ...] = (
        lambda: _epoch(float(text)),
        lambda: (lambda at: at if at.tzinfo else at.replace(tzinfo=UTC))(datetime.fromisoformat(text)).timestamp(),
    )
    for one in tries:
        try:
            seconds = one()
        except (ValueError, OverflowError):
            continue
        if 0 < seconds < _LATEST:
            return round(seconds * SECOND)
    raise Invalid(f"{text[:30]!r} is no time")


def _epoch(number: float) -> float:
    return number / 1000 if number > _LATEST else number
