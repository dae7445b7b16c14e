"""What a screen shows, as frozen values: no database row, FHIR resource or wire value reaches a template.

Times are integer µs since the epoch (UTC), 0 where unknown. Texts of values are exactly as sent or as
charted; the screen adds nothing to them. An empty ``text`` means missing and is shown as ``--``.
"""

from __future__ import annotations

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Common root of the view models."""


class Value(View, frozen=True):
    """One measured value. ``slot`` is empty for what no slot holds; ``extra`` is the mean of a pair."""

    slot: str = ""
    text: str = ""
    extra: str = ""
    unit: str = ""
    time: int = 0
    received: int = 0
    quality: int = 0
    channel_id: int = 0
    device_id: str = ""
    label: str = ""
    low: str = ""
    high: str = ""
    stale_seconds: int = 10
    manual: bool = False


class Wave(View, frozen=True):
    """A waveform channel that a screen may sweep; ``kind`` ecg, pleth, abp, resp, co2, paw, flow, other."""

    channel_id: int
    kind: str
    label: str
    unit: str = ""
    device_id: str = ""


class Patient(View, frozen=True):
    """Who the patient is: enough for a tile and for the banner. ``sex`` is the FHIR administrative gender."""

    id: str
    name: str
    birth_date: str = ""
    age: str = ""
    sex: str = ""
    mrn: str = ""
    bed: str = ""
    place_id: str = ""
    ward_id: str = ""
    code_status: str = ""
    allergies: tuple[str, ...] = ()
    allergies_known: bool = False
    deceased: bool = False


class Score(View, frozen=True):
    """NEWS2 or another score. ``parts`` are (parameter, shown value, points); ``missing`` names the gaps."""

    name: str = "NEWS2"
    total: int | None = None
    band: str = ""
    parts: tuple[tuple[str, str, int], ...] = ()
    missing: tuple[str, ...] = ()
    time: int = 0
    trend: tuple[tuple[int, int], ...] = ()


class Alarm(View, frozen=True):
    """One alarm. ``priority`` high, medium, low or info; ``kind`` physiological, technical or advisory;
    ``state`` active, latched or inactive; ``origin`` device, limit, score or link."""

    id: str
    priority: str
    kind: str
    text: str
    state: str = "active"
    origin: str = "device"
    place_id: str = ""
    bed: str = ""
    patient_id: str = ""
    device_id: str = ""
    device: str = ""
    slot: str = ""
    value: str = ""
    limit: str = ""
    since: int = 0
    last: int = 0
    acknowledged_by: str = ""
    acknowledged_at: int = 0


class Chip(View, frozen=True):
    """A device on a tile. ``state`` on, silent, standby or off; ``conflict`` why it is bound to nobody, in words."""

    id: str
    label: str
    type: str = ""
    state: str = "on"
    last_seen: int = 0
    battery: int | None = None
    faults: int = 0
    due: bool = False
    conflict: str = ""


class Tile(View, frozen=True):
    """One bed of the board. ``state`` is occupied, in-use (devices run, nobody admitted), free or standby."""

    place_id: str
    bed: str
    state: str = "free"
    patient: Patient | None = None
    vitals: dict[str, Value] = {}
    waves: tuple[Wave, ...] = ()
    score: Score | None = None
    alarms: tuple[Alarm, ...] = ()
    devices: tuple[Chip, ...] = ()
    last_data: int = 0


class Ward(View, frozen=True):
    """A ward as a link: the count of its beds and of those in use."""

    id: str
    name: str
    beds: int = 0
    used: int = 0


class Board(View, frozen=True):
    """All beds of one ward."""

    ward: Ward
    tiles: tuple[Tile, ...] = ()


class Infusion(View, frozen=True):
    """What one pump gives. Rates as sent, with their units."""

    device_id: str
    device: str
    drug: str = ""
    rate: Value = Value()
    dose: Value = Value()
    volume: Value = Value()
    remaining: Value = Value()
    state: str = ""


class Limit(View, frozen=True):
    """Alarm limits of one parameter. ``source`` says where they come from: site, ward or patient."""

    slot: str
    label: str
    unit: str
    low: float | None = None
    high: float | None = None
    priority: str = "medium"
    delay_seconds: int = 0
    source: str = "site"
    by: str = ""
    time: int = 0


class Binding(View, frozen=True):
    """One interval in which a device measured one patient. ``stop`` is 0 while it runs; ``source`` adt, pid
    or hand; ``patient_name`` is empty for whoever may not see it."""

    id: str
    device_id: str
    device: str
    patient_id: str
    patient_name: str = ""
    bed: str = ""
    start: int = 0
    stop: int = 0
    source: str = ""
    by: str = ""


class Unbound(View, frozen=True):
    """An interval in which a device sent data and nobody was bound to it: kept, and can be claimed."""

    device_id: str
    device: str
    start: int
    stop: int
    bed: str = ""
    count: int = 0


class Bed(View, frozen=True):
    """Everything of the bed page except what streams."""

    tile: Tile
    ward: Ward
    numerics: tuple[Value, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    limits: tuple[Limit, ...] = ()
    bindings: tuple[Binding, ...] = ()
    unbound: tuple[Unbound, ...] = ()
    standby: bool = False


class Series(View, frozen=True):
    """One trend line. ``points`` are (time µs, low, high, mean); all None is a gap; manual: low = high."""

    slot: str
    label: str
    unit: str
    source: str = "device"
    points: tuple[tuple[int, float | None, float | None, float | None], ...] = ()


class Entry(View, frozen=True):
    """A line of the problem, medication or allergy list."""

    id: str
    text: str
    detail: str = ""
    status: str = ""
    since: str = ""
    severity: str = ""


class Chart(View, frozen=True):
    """The lists of the patient chart. None would mean unknown; an empty tuple means none recorded."""

    problems: tuple[Entry, ...] = ()
    medications: tuple[Entry, ...] = ()
    allergies: tuple[Entry, ...] = ()
    history: tuple[Entry, ...] = ()


class Cell(View, frozen=True):
    """One charted value. ``status`` is the FHIR Observation status; ``source`` device or manual."""

    observation_id: str
    text: str
    unit: str = ""
    time: int = 0
    source: str = "device"
    status: str = "preliminary"
    verified: bool = False
    device_id: str = ""
    device: str = ""
    flag: str = ""


class Row(View, frozen=True):
    """One parameter of the flowsheet; ``cells[i]`` are the values in column ``i`` (usually one or none)."""

    code: str
    label: str
    unit: str = ""
    cells: tuple[tuple[Cell, ...], ...] = ()


class Sheet(View, frozen=True):
    """The flowsheet: column starts in µs, the step in minutes, rows by parameter."""

    columns: tuple[int, ...] = ()
    step_minutes: int = 15
    rows: tuple[Row, ...] = ()
    unverified: int = 0


class Origin(View, frozen=True):
    """Where one charted value comes from: the joined answer of clinicians and clinical engineering.

    ``maintenance`` is the device's state at ``cell.time`` (and ``maintenance_now`` today's): current,
    due, overdue or unknown; ``clock_offset`` in µs then; ``samples`` the channel around that moment.
    """

    patient_id: str
    cell: Cell
    code: str
    label: str
    device: Device | None = None
    firmware: str = ""
    maintenance: str = "unknown"
    maintenance_text: str = ""
    maintenance_now: str = "unknown"
    faults_then: tuple[Fault, ...] = ()
    clock_offset: int | None = None
    method: str = ""
    body_site: str = ""
    by: str = ""
    history: tuple[tuple[int, str, str], ...] = ()
    samples: Series | None = None


class Fault(View, frozen=True):
    """A fault on a device. ``state`` open, taken or resolved; ``id`` names the Task."""

    id: str
    text: str
    state: str = "open"
    reported_by: str = ""
    reported_at: int = 0
    taken_by: str = ""
    taken_at: int = 0
    resolved_at: int = 0
    resolution: str = ""
    device_id: str = ""
    device: str = ""


class Due(View, frozen=True):
    """Maintenance that is due: ``request_id`` names the ServiceRequest, ``state`` current, due or overdue."""

    request_id: str
    text: str
    date: int = 0
    state: str = "current"
    last_done: int = 0


class Device(View, frozen=True):
    """A device in the fleet list. ``admission`` is unknown, accepted, quarantined, workshop or retired."""

    id: str
    key: str
    label: str
    type: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    hardware: str = ""
    udi: str = ""
    admission: str = "unknown"
    state: str = "off"
    link: str = ""
    bed: str = ""
    place_id: str = ""
    ward: str = ""
    in_use: bool = False
    first_seen: int = 0
    last_seen: int = 0
    clock_offset: int | None = None
    battery: int | None = None
    faults: int = 0
    due: str = "unknown"
    due_date: int = 0
    said: str = ""


class DevicePage(View, frozen=True):
    """The device page. ``patients`` are empty for whoever may not see names; the count always stands."""

    device: Device
    modules: tuple[Device, ...] = ()
    faults: tuple[Fault, ...] = ()
    due: tuple[Due, ...] = ()
    bindings: tuple[Binding, ...] = ()
    patient_count: int = 0
    unbound: tuple[Unbound, ...] = ()
    messages: tuple[Message, ...] = ()
    values: tuple[Value, ...] = ()
    past: tuple[tuple[int, str], ...] = ()


class Message(View, frozen=True):
    """A stored message without its content. ``direction`` in or out; ``ref`` opens it."""

    ref: str
    direction: str
    time: int
    type: str = ""
    profile: str = ""
    control: str = ""
    link: str = ""
    sender: str = ""
    status: str = ""
    size: int = 0
    problems: int = 0


class RawMessage(View, frozen=True):
    """A message with its text (decoded for reading) and what was not understood of it."""

    message: Message
    text: str
    problems: tuple[tuple[str, str, str], ...] = ()


class Link(View, frozen=True):
    """One connection into the house. ``state`` up, idle, down or off; rates are messages a minute."""

    name: str
    protocol: str
    address: str = ""
    state: str = "idle"
    detail: str = ""
    peers: int = 0
    received: int = 0
    refused: int = 0
    rate: float = 0.0
    last: int = 0


class Queue(View, frozen=True):
    """One outbound destination. ``lag_seconds`` is the age of its oldest waiting message."""

    destination: str
    state: str = "up"
    waiting: int = 0
    sent: int = 0
    dead: int = 0
    rate: float = 0.0
    lag_seconds: int = 0
    last_sent: int = 0
    last_error: str = ""


class DeadLetter(View, frozen=True):
    """An outbound message that was given up, with the reason."""

    id: str
    destination: str
    control: str
    type: str
    reason: str
    time: int
    attempts: int = 0


class Refusal(View, frozen=True):
    """A stored message that could not be used. ``ref`` opens it."""

    ref: str
    time: int
    kind: str
    link: str
    reason: str


class Exchange(View, frozen=True):
    """The integration page."""

    links: tuple[Link, ...] = ()
    queues: tuple[Queue, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    uninterpreted: tuple[tuple[str, int], ...] = ()
    quarantined: int = 0
    intake_total: int = 0
    intake_rate: float = 0.0
    backlog: int = 0
    refused: tuple[Refusal, ...] = ()
