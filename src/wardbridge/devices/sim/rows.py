"""Writing the segments of IHE PCD messages: containment tree, values and waves (PCD TF-2 appendix B)."""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.clock import SECOND
from wardbridge.devices.sim import terms
from wardbridge.devices.sim.shapes import Floats
from wardbridge.devices.sim.terms import Term, Unit
from wardbridge.exchange.codecs.hl7v2.build import Header, Verbatim, build
from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm
from wardbridge.exchange.codecs.hl7v2.escapes import escape
from wardbridge.exchange.codecs.hl7v2.separators import STANDARD

# Profile by MSH-21: name for people, OID for machines.
PCD_01 = "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
PCD_04 = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"
PCD_10 = "IHE_PCD_010^IHE PCD^1.3.6.1.4.1.19376.1.6.4.10^ISO"
CHARSET = "UNICODE UTF-8"


@dataclass(frozen=True)
class Outgoing:
    """A message that a device wants to send. ``kind``: numerics, wave, alarm, event or adt."""

    kind: str
    control: str
    payload: bytes


@dataclass(frozen=True)
class Sender:
    """Who speaks: application name (MSH-3.1), EUI-64 in 16 hex digits, and where it stands (PV1-3)."""

    name: str
    eui: str
    place: str
    facility: str = "WARDSIM"


def text(value: str) -> str:
    """Free text escaped for a field."""
    return escape(value, STANDARD)


def moment(micros: int) -> str:
    """A time with milliseconds and offset, UTC."""
    return format_dtm(micros, precision="fraction")


class Tree:
    """The OBX segments of one OBR group, numbered as they are added.

    OBX-4 counts what is present, so it differs between messages; only the codes stay.
    """

    def __init__(self, sender: Sender) -> None:
        self.rows: list[str] = []
        self._sender = sender
        self._vmd = self._chan = self._metric = self._facet = 0

    def system(self, term: Term) -> Tree:
        """The machine itself (MDS)."""
        return self._add("", term, "1.0.0.0", status="X", device=f"{self._sender.eui}^^{self._sender.eui}^EUI-64")

    def attribute(self, term: Term, value: str, unit: Unit | str = "", kind: str = "ST") -> Tree:
        """An attribute of the machine itself, such as its serial number or its battery."""
        self._metric += 1
        return self._add(kind, term, f"1.0.0.{self._metric}", value, unit)

    def vmd(self, term: Term) -> Tree:
        """A virtual medical device of the machine."""
        self._vmd, self._chan, self._metric = self._vmd + 1, 0, 0
        return self._add("", term, f"1.{self._vmd}.0.0", status="X")

    def channel(self, term: Term) -> Tree:
        """A channel of the last VMD."""
        self._chan, self._metric = self._chan + 1, 0
        return self._add("", term, f"1.{self._vmd}.{self._chan}.0", status="X")

    def number(
        self,
        term: Term,
        value: str,
        unit: Unit | str = "",
        limits: str = "",
        flags: str = "",
        at: int = 0,
        method: str = "",
    ) -> Tree:
        """A numeric value in the last channel; an empty ``value`` is sent as no result with its flags."""
        self._metric, self._facet = self._metric + 1, 0
        status = "R" if value else "X"
        return self._add("NM", term, self._path(), value, unit, limits, flags, status, at, method=method)

    def coded(self, term: Term, value: str, kind: str = "CWE") -> Tree:
        """A coded (``^text`` or ``code^refid^MDC``) or, with ``kind`` ST, textual value."""
        self._metric, self._facet = self._metric + 1, 0
        return self._add(kind, term, self._path(), value)

    def wave(self, term: Term, samples: Floats, rate: float, step: str, unit: Unit, flags: str = "") -> Tree:
        """A run of samples as integers of ``step`` units each, with rate and resolution as facets."""
        self._metric, self._facet = self._metric + 1, 0
        whole = (samples / float(step)).round().astype("int32").tolist()
        self._add("NA", term, self._path(), "^".join(map(str, whole)), unit, "", flags)
        self.facet(terms.SAMPLE_RATE, f"{rate:g}", terms.HZ)
        return self.facet(terms.RESOLUTION, step, unit)

    def event(self, term: Term, value: str, kind: str, at: int) -> Tree:
        """Facet 1 of an alert: what happened, at ``at`` (µs since 1970 UTC)."""
        self._metric, self._facet = self._metric + 1, 1
        return self._add(kind, term, f"{self._path()}.1", value, at=at)

    def facet(
        self,
        term: Term,
        value: str,
        unit: Unit | str = "",
        limits: str = "",
        flags: str = "",
        kind: str = "NM",
    ) -> Tree:
        """An attribute of the last value."""
        self._facet += 1
        return self._add(kind, term, f"{self._path()}.{self._facet}", value, unit, limits, flags)

    def _path(self) -> str:
        return f"1.{self._vmd}.{self._chan}.{self._metric}"

    def _add(
        self,
        kind: str,
        term: str,
        path: str,
        value: str = "",
        unit: str = "",
        limits: str = "",
        flags: str = "",
        status: str = "R",
        at: int = 0,
        device: str = "",
        method: str = "",
    ) -> Tree:
        when = moment(at) if at else ""
        row = (
            f"OBX|{len(self.rows) + 1}|{kind}|{term}|{path}|{value}|{unit}|{limits}|{flags}|||{status}"
            f"|||{when}|||{method}|{device}"
        )
        self.rows.append(row.rstrip("|"))
        return self


def patient_rows(place: str, mrn: str = "", name: str = "") -> list[str]:
    """PID and PV1 as a device sends them: mostly unknown, the patient follows from the place."""
    known = f"PID|||{mrn}||{name}" if mrn else "PID|||^^^^PI||^^^^^^U"
    return [known, f"PV1||I|{place}"]


def message(sender: Sender, control: str, sent: int, kind: tuple[str, ...], profile: str, rows: list[str]) -> bytes:
    """A whole PCD message that asks for one accept acknowledgement. ``sent`` is µs since 1970 UTC."""
    header = Header(
        type=kind,
        control_id=control,
        time=sent,
        sending_app=(sender.name, sender.eui, "EUI-64"),
        sending_facility=sender.facility,
        accept_ack="AL",
        application_ack="NE",
        charset=CHARSET,
        profile=Verbatim(profile),
    )
    return build(header, rows)


def group(number: int, order: str, filler: str, what: str, begin: int, end: int = 0) -> str:
    """An OBR. ``begin`` and ``end`` are µs since 1970 UTC; 0 leaves OBR-8 empty."""
    tail = f"|{moment(end)}" if end else ""
    return f"OBR|{number}|{order}|{filler}|{what}|||{moment(begin)}{tail}"


def seconds(t: float) -> int:
    """Seconds as µs."""
    return round(t * SECOND)
