"""The life of one alert as IHE PCD-04 reports it (PCD TF-2 3.4 and the SDPi alert gateway).

start → continue, escalate or deescalate as often as needed → end. Every report has its own id; OBR-29
names the first one, which is how a manager knows that they belong together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from wardbridge.devices.sim import terms
from wardbridge.devices.sim.rows import Sender, Tree, group, text
from wardbridge.devices.sim.terms import Term, Unit

RANK: Final = {"PL": 0, "PM": 1, "PH": 2}
# Which report may follow which; the tests hold every device to it.
FOLLOWS: Final = {
    "": ("start",),
    "start": ("continue", "escalate", "deescalate", "end"),
    "continue": ("continue", "escalate", "deescalate", "end"),
    "escalate": ("continue", "escalate", "deescalate", "end"),
    "deescalate": ("continue", "escalate", "deescalate", "end"),
    "end": (),
}


@dataclass(frozen=True)
class Cause:
    """Why an alert is present. ``event`` is what happened, ``path`` the devices that contain the source.

    Physiological (SP) alerts name the measured ``source`` with ``value``, ``unit`` and ``limits``;
    technical (ST) and advisory (SA) ones need none of those.
    """

    event: Term
    text: str
    priority: str
    kind: str
    path: tuple[Term, ...]
    source: Term | None = None
    value: str = ""
    unit: Unit | str = ""
    limits: str = ""


class Alert:
    """One alert while it is present. ``since`` is the wall second of its start."""

    def __init__(self, cause: Cause, since: float) -> None:
        self.cause = cause
        self.since = since
        self.first = ""
        self._told = since

    def follow(self, cause: Cause, t: float, heartbeat: float) -> str:
        """Take over the present cause; the phase to report now, empty where there is nothing to say."""
        step = RANK[cause.priority] - RANK[self.cause.priority]
        self._renew(cause, cause.priority)
        if step == 0 and t - self._told < heartbeat:
            return ""
        self._told = t
        if step:
            return "escalate" if step > 0 else "deescalate"
        return "continue"

    def close(self, cause: Cause) -> None:
        """The condition is gone: the last report tells the value that ended it."""
        self._renew(cause, self.cause.priority)

    def _renew(self, cause: Cause, priority: str) -> None:
        # What the alert is about stays; only how it stands is new.
        self.cause = replace(self.cause, value=cause.value, limits=cause.limits, priority=priority)

    def rows(self, sender: Sender, report: str, phase: str, sent: int, since: int) -> list[str]:
        """OBR and OBX of one report. ``report`` is its unique id, times are µs since 1970 UTC."""
        self.first = self.first or report
        filler = f"{report}^{sender.name}^{sender.eui}^EUI-64"
        parent = f"^{self.first}&{sender.name}&{sender.eui}&EUI-64"
        order = group(1, "", filler, terms.ALARM, sent)
        order += "|" * (29 - order.count("|")) + parent
        return [order, *self._facets(sender, phase, since).rows]

    def _facets(self, sender: Sender, phase: str, since: int) -> Tree:
        cause = self.cause
        tree = Tree(sender).system(cause.path[0])
        for depth, term in enumerate(cause.path[1:]):
            tree = tree.vmd(term) if depth == 0 else tree.channel(term)
        physiological = cause.kind == "SP"
        if physiological:
            tree.event(cause.event, text(cause.text), "ST", since)
        else:
            tree.event(terms.ALARM, f"{cause.event}^^^^^^{text(cause.text)}", "CWE", since)
        if physiological and cause.source is not None:
            abnormal = "H" if cause.event == terms.HIGH else "L"
            tree.facet(cause.source, cause.value, cause.unit, cause.limits, abnormal)
        else:
            tree.facet(terms.ALERT_SOURCE, cause.path[-1], kind="CWE")
        tree.facet(terms.PHASE, phase, kind="ST")
        tree.facet(terms.STATE, "inactive" if phase == "end" else "active", kind="ST")
        tree.facet(terms.INACTIVATION, "enabled", kind="ST")
        tree.facet(terms.PRIORITY, cause.priority, kind="ST")
        return tree.facet(terms.KIND, cause.kind, kind="ST")
