"""PCD-04: alarm reports to AlertSignals (IHE PCD TF-2 section 3.4 and appendix B.8.7).

One OBR is one report of one alert. OBR-3 names the report, OBR-29 the alert (its first report; empty in
that one under SDPi). The rows below are facets: event, source, phase, state, inactivation, priority,
type. They are told by name, not by the facet number in OBX-4, which old senders leave out or misprint;
senders of the trial form put priority and type into OBX-8 of the event row, and the facets win.
"""

from __future__ import annotations

import re

import msgspec

from wardbridge.devices.drivers.hl7_mllp.containment import Metric
from wardbridge.devices.drivers.hl7_mllp.mapping import PROCESSING_FLAGS, key_of
from wardbridge.devices.drivers.hl7_mllp.memory import Dialect, Habits
from wardbridge.devices.drivers.hl7_mllp.observations import Group, Report, Tail, pad
from wardbridge.devices.values import AlertSignal, AnyValue, DeviceEvent
from wardbridge.exchange.codecs import pcd
from wardbridge.exchange.codecs.hl7v2.errors import REQUIRED_FIELD, TABLE_VALUE, Problem
from wardbridge.exchange.codecs.hl7v2.message import Message
from wardbridge.exchange.codecs.hl7v2.msh import Msh
from wardbridge.terminology import mdc

PHASES = frozenset(
    {
        "tpoint", "start", "start_only", "continue", "end", "present", "update", "escalate",
        "deescalate", "inactivate", "acknowledged", "reset", "stop",
    }
)  # fmt: skip
STATES = frozenset({"active", "inactive", "latched"})
INACTIVATIONS = frozenset({"enabled", "audio-paused", "audio-off", "alarm-paused", "alarm-off", "alert-acknowledged"})

FACETS = {
    "ALERT_SOURCE": "source",
    "ALARM_SOURCE": "source",
    "EVENT_PHASE": "phase",
    "ALARM_STATE": "state",
    "ALERT_STATE": "state",
    "ALARM_INACTIVATION_STATE": "inactivation",
    "ALERT_INACTIVATION_STATE": "inactivation",
    "INACTIVATION_STATE": "inactivation",
    "ALARM_PRIORITY": "priority",
    "ALERT_PRIORITY": "priority",
    "ALERT_TYPE": "type",
    "ALARM_TYPE": "type",
    "CONFIRM_TIMEOUT": "keepalive",
    "ALERT_TEXT": "text",
}
"""Names of OBX-3 without MDC_ and ATTR_, in the forms of all revisions."""

FACET_CODES = {
    68480: "source",
    68481: "phase",
    68482: "state",
    68483: "inactivation",
    68484: "priority",
    68485: "type",
    68546: "text",
}
_PREFIX = re.compile(r"^(?:MDCX?_)?(?:ATTR_)?")
EVT_ALARM = 196616

SESSION_ORDERS = frozenset({70929})
"""Machines whose OBR-3 names the treatment, not the alert (Dialysis Machine HL7 guide, section 5)."""


class _Row:
    """One OBX of an alarm: its metric, fields and tail."""

    __slots__ = ("fields", "metric", "tail")

    def __init__(self, metric: Metric, fields: list[str], tail: Tail) -> None:
        self.metric = metric
        self.fields = fields
        self.tail = tail


def read_alarms(
    message: Message, msh: Msh, dialect: Dialect, habits: Habits, sent: int
) -> tuple[list[tuple[Group, list[AnyValue]]], list[Problem]]:
    """The AlertSignals of a message by OBR group, and what was odd."""
    report = Report(dialect, message.separators.field, habits, "", sent)
    separator = message.separators.field
    found: list[tuple[Group, list[AnyValue]]] = []
    orders: list[tuple[list[str], Group, list[_Row]]] = []
    for row in message.rows:
        name = row[:3]
        if name == "OBR":
            fields = pad(row.split(separator), 30)
            group = report.open(fields)
            orders.append((fields, group, []))
        elif name == "OBX":
            report.count += 1
            if not orders:
                orders.append(([""] * 30, report.start(sent, 0), []))
                report.report("an alarm row before any OBR", 1, REQUIRED_FIELD)
            order, group, rows = orders[-1]
            read, group = _take(report, group, row)
            orders[-1] = (order, group, rows)
            if read is not None:
                rows.append(read)
        elif name == "PRT" and orders:
            report.participant(orders[-1][1], row.split(separator))
    mode = PROCESSING_FLAGS.get(msh.raw(11)[:1].upper())
    for at, (order, group, rows) in enumerate(orders):
        values = _signal(report, group, order, rows, msh, at)
        if mode is not None and values:
            text = "the sender marks this message as no production data"
            marked = [
                msgspec.structs.replace(v, quality=int(mode)) if isinstance(v, AlertSignal) else v for v in values
            ]
            values = [DeviceEvent("mode", text, msh.raw(11)[:1].upper(), device_time=sent), *marked]
        found.append((group, [*values, *group.values]))
    return found, report.problems


def _take(report: Report, group: Group, row: str) -> tuple[_Row | None, Group]:
    """A facet row, or None for a device row, which moves the place."""
    fields = pad(row.split(report.separator), 21)
    metric = report.learn(group.layout, fields[2], fields[3], fields[4])
    if metric.problem:
        report.report(report.what(metric), 3, TABLE_VALUE)
    if metric.device and not fields[5]:
        return None, report.device_row(group, metric, fields, row)
    tail = report.read_tail(fields)
    report.report_odd(tail.odd)
    if tail.owner:
        group.row_ids[tail.owner] = None
    return _Row(metric, fields, tail), group


def _facet(metric: Metric) -> str:
    """Which facet a row is by its name or code, '' for the event and for values."""
    return FACETS.get(_PREFIX.sub("", metric.refid.upper())) or FACET_CODES.get(metric.code, "")


def _signal(report: Report, group: Group, order: list[str], rows: list[_Row], msh: Msh, at: int) -> list[AnyValue]:
    """The AlertSignal of one OBR group; rows that have no part in it become readings."""
    dialect = report.dialect
    facets: dict[str, _Row] = {}
    plain: list[_Row] = []
    for row in rows:
        name = _facet(row.metric)
        if name and name not in facets:
            facets[name] = row
        else:
            plain.append(row)
    where = f"OBR[{at + 1}]"
    if not plain:
        report.problems.append(Problem("an alarm without an event", where, REQUIRED_FIELD))
        return []
    event, *values = plain
    code, refid, text = _event(dialect, event)
    source = values.pop(0) if values else None
    source_code, source_refid = _source(dialect, event, source, facets.get("source"))

    def word(name: str) -> str:
        row = facets.get(name)
        return dialect.parts(row.fields[5])[0].strip() if row is not None else ""

    flags = _flags(dialect, event) | _flags(dialect, facets.get("source"))
    priority = word("priority").upper() or next(iter(sorted(flags & pcd.PRIORITY)), "")
    kind = word("type").upper() or next(iter(sorted(flags & pcd.ALERT_TYPE)), "")
    if priority not in pcd.PRIORITY:
        report.problems.append(Problem("the alarm priority is missing or not known", where, TABLE_VALUE))
        priority = priority or "PN"
    if not kind:
        kind = "SP" if event.metric.value_type == "ST" else "ST"
    phase = word("phase").lower().replace(" ", "_")
    state = word("state").lower()
    if phase not in PHASES:
        report.problems.append(Problem("the event phase is missing or not known", where, TABLE_VALUE))
        phase = phase or ("end" if state == "inactive" else "present")
    if state not in STATES:
        if state:
            report.problems.append(Problem("the alarm state is not known", where, TABLE_VALUE))
        state = state or ("inactive" if phase in ("end", "reset", "stop") else "active")
    when = event.tail.time or group.time_at(event.metric.path)[0]
    own, alert = _ids(dialect, order, msh)
    machine = next((metric.code for path, metric, _ in group.devices if len(path) == 1), 0)
    if machine in SESSION_ORDERS and not order[29]:
        alert = f"{alert}#{code or refid}#{source_code or source_refid}"
    for row in values:
        start, end = (row.tail.time, 0) if row.tail.time else group.time_at(row.metric.path)
        report.reading(group, row.metric, row.fields[5], row.tail, start, end)
    return [
        AlertSignal(
            alert_id=alert,
            event_id=f"{own}#{phase}#{when}",
            phase=phase,
            state=state,
            priority=priority,
            kind=kind,
            code=code,
            refid=refid,
            text=text,
            source_code=source_code,
            source_refid=source_refid,
            channel=_channel(group, event, source_code, source_refid),
            value=dialect.plain(source.fields[5]) if source is not None else "",
            unit=source.tail.ucum or source.tail.unit if source is not None else "",
            low=source.tail.low if source is not None else event.tail.low,
            high=source.tail.high if source is not None else event.tail.high,
            inactivation=_inactivation(report, facets.get("inactivation")),
            device_time=when,
            heartbeat=phase == "continue" or "keepalive" in facets,
        )
    ]


def _event(dialect: Dialect, row: _Row) -> tuple[int, str, str]:
    """(code, REFID, text) of the event row in its physiological and its technical form."""
    metric, value = row.metric, row.fields[5]
    parts = [*dialect.parts(value), *[""] * 9] if value else [""] * 9
    coded = metric.value_type in ("CWE", "CE", "CNE") and metric.code == EVT_ALARM
    if coded and (parts[0].strip().isdigit() or parts[1]):
        found = mdc.resolve(parts[0], parts[1].strip())
        return found.code, found.refid, parts[8] or mdc.label(found.code, found.refid)
    if metric.value_type in ("CWE", "CE", "CNE"):
        text = parts[8] or (parts[0] if not parts[1] else metric.label)
    else:
        text = dialect.plain(value)
    return metric.code, metric.refid, text or mdc.label(metric.code, metric.refid)


def _source(dialect: Dialect, event: _Row, value: _Row | None, facet: _Row | None) -> tuple[int, str]:
    """What raised the alert: the measured metric, or the part named by facet 2 or by the event."""
    if value is not None:
        return value.metric.code, value.metric.refid
    for row in (facet, event):
        if row is None or not row.fields[5] or (row is event and row.metric.code == EVT_ALARM):
            continue
        parts = [*dialect.parts(row.fields[5]), "", ""]
        if parts[0].strip().isdigit() and parts[1].startswith("MDC"):
            found = mdc.resolve(parts[0], parts[1].strip())
            return found.code, found.refid
        if row is facet:
            return 0, dialect.plain(row.fields[5])
    return 0, ""


def _flags(dialect: Dialect, row: _Row | None) -> set[str]:
    if row is None or not row.fields[8]:
        return set()
    return {text.split("^", 1)[0].strip().upper() for text in dialect.repeat(row.fields[8])}


def _inactivation(report: Report, row: _Row | None) -> tuple[str, ...]:
    if row is None:
        return ()
    words = [word.strip().lower() for word in report.dialect.repeat(row.fields[5])]
    if any(word not in INACTIVATIONS for word in words if word):
        report.problems.append(Problem("an inactivation state is not known", "OBX-5", TABLE_VALUE))
    return tuple(word for word in words if word)


def _ids(dialect: Dialect, order: list[str], msh: Msh) -> tuple[str, str]:
    """(id of this report, id of the alert): OBR-3 and OBR-29 in the same spelling."""
    own = _entity(dialect.parts(order[3])) if order[3] else ""
    own = own or (_entity(dialect.parts(order[2])) if order[2] else "") or msh.control_id
    if not order[29]:
        return own, own
    mark = msh.separators.subcomponent or "&"
    placer, filler, *_ = [*dialect.parts(order[29]), ""]
    # EIP: the filler's number is the second component; some senders write an EI instead.
    if filler and (mark in filler or not placer):
        return own, _entity(filler.split(mark)) or own
    if mark in placer:
        return own, _entity(placer.split(mark)) or own
    return own, _entity(dialect.parts(order[29])) or own


def _entity(parts: list[str]) -> str:
    """An entity identifier as one text that does not depend on how fully it was written."""
    parts = [part.strip() for part in parts] + [""] * 3
    authority = parts[2] or parts[1]
    return f"{parts[0]}^{authority}" if parts[0] and authority else parts[0]


def _channel(group: Group, event: _Row, code: int, refid: str) -> str:
    """The channel of the alert's source, as PCD-01 names it where the device rows are given."""
    path = event.metric.path[:4]
    name = str(code) if code else refid
    found = mdc.term(code) if code else None
    if not name or (found is not None and found.kind == "device"):
        return ""
    return group.layout.channel_of(path, name)


def signal_key(group: Group, dialect: Dialect) -> str:
    """The machine an alarm is about where its rows name one by several ids: the first of them."""
    return next((key_of(dialect.ids[text]) for text in group.row_ids), "")
