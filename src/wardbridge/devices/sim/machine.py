"""What every simulated HL7 device has: an identity, a clock of its own, control ids, alerts in hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wardbridge.core.clock import SECOND
from wardbridge.devices.sim import rows, terms
from wardbridge.devices.sim.alert import Alert, Cause
from wardbridge.devices.sim.rows import Outgoing, Sender, Tree
from wardbridge.devices.sim.terms import Term


@dataclass(frozen=True)
class Identity:
    """A machine. ``eui`` is its EUI-64 in 16 hex digits; ``name`` its short name in the ward's script.

    ``battery`` says that it can run on one; ``clock_offset`` is how far its clock is off, in seconds.
    """

    name: str
    kind: str
    eui: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    hardware: str = "A"
    bed: int = 0
    place: str = ""
    battery: bool = False
    clock_offset: float = 0.0


class Machine:
    """Common ground of the devices. ``start`` is the ward's first moment in µs since 1970 UTC.

    Devices are stepped with wall seconds since then; all that they send is a function of those seconds
    and their seed, so the same seed gives the same bytes.
    """

    heartbeat = 10.0  # seconds between ``continue`` reports of an alert

    def __init__(self, identity: Identity, start: int, speed: float = 1.0) -> None:
        self.identity = identity
        self.speed = speed
        self.sender = Sender(
            f"{identity.manufacturer.upper().replace(' ', '_')}_{identity.model.upper().replace(' ', '_')}",
            identity.eui,
            identity.place,
        )
        self._start = start
        self._count = 0
        self._alerts: dict[str, Alert] = {}
        self._news = False

    def install(self, firmware: str) -> None:
        """New firmware; the next report says so."""
        self.identity = replace(self.identity, firmware=firmware)
        self._news = True

    def whole(self, due: bool) -> bool:
        """Whether a report that is ``due`` to tell everything, or has news, tells it now."""
        news, self._news = self._news, False
        return due or news

    def stamp(self, t: float) -> int:
        """The device's own idea of the time at ``t``, µs since 1970 UTC."""
        return self._start + rows.seconds(t + self.identity.clock_offset)

    def step(self, t: float) -> list[Outgoing]:
        """All that the device has to say at ``t``. Called once a wall second, never skipped back."""
        raise NotImplementedError

    def control(self) -> str:
        """The next message control id: the machine, the ward's start, a counter."""
        self._count += 1
        eui = self.identity.eui
        return f"{eui[2:6]}{eui[-4:]}{self._start // SECOND:X}{self._count:05X}"

    def tree(self, system: Term, whole: bool = False) -> Tree:
        """A containment tree that begins with the machine; ``whole`` adds what it says of itself."""
        tree = Tree(self.sender).system(system)
        if whole:
            who = self.identity
            tree.attribute(terms.MANUFACTURER, rows.text(who.manufacturer))
            tree.attribute(terms.MODEL, rows.text(who.model))
            tree.attribute(terms.SERIAL, who.serial)
            tree.attribute(terms.SOFTWARE, who.firmware)
            tree.attribute(terms.HARDWARE, who.hardware)
        return tree

    def observation(self, t: float, what: Term, tree: Tree, kind: str = "numerics") -> Outgoing:
        """A PCD-01 message of one group at time ``t``."""
        control = self.control()
        filler = f"{control}^{self.sender.name}^{self.sender.eui}^EUI-64"
        body = [
            *rows.patient_rows(self.identity.place),
            rows.group(1, "", filler, what, self.stamp(t)),
            *tree.rows,
        ]
        payload = rows.message(self.sender, control, self.stamp(t), ("ORU", "R01", "ORU_R01"), rows.PCD_01, body)
        return Outgoing(kind, control, payload)

    # alerts

    def alert(self, t: float, name: str, present: bool, cause: Cause) -> list[Outgoing]:
        """Follow one alert condition: start it, keep it alive, raise or lower its priority, end it."""
        held = self._alerts.get(name)
        if held is None:
            if not present:
                return []
            held = self._alerts[name] = Alert(cause, t)
            return [self._report(t, held, "start")]
        if not present:
            del self._alerts[name]
            held.close(cause)
            return [self._report(t, held, "end")]
        phase = held.follow(cause, t, self.heartbeat)
        return [self._report(t, held, phase)] if phase else []

    def alarmed(self, name: str) -> Alert | None:
        """The alert of that name while it is present."""
        return self._alerts.get(name)

    def _report(self, t: float, alert: Alert, phase: str) -> Outgoing:
        control = self.control()
        body = [
            *rows.patient_rows(self.identity.place),
            *alert.rows(self.sender, control, phase, self.stamp(t), self.stamp(alert.since)),
        ]
        payload = rows.message(self.sender, control, self.stamp(t), ("ORU", "R40", "ORU_R40"), rows.PCD_04, body)
        return Outgoing("alarm", control, payload)
