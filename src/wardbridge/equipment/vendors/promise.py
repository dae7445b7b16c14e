"""What contracts promise, and what was measured: terms, compliance, warnings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wardbridge.core.clock import DAY, HOUR
from wardbridge.equipment.vendors import hours
from wardbridge.equipment.vendors.values import Call, Contract

SOON = 90 * DAY
"""How long before a notice date or an end people are warned."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One promise against one call: ``took`` and ``promised`` in service hours; ``state`` met, missed, running or
    overdue; ``due`` in µs."""

    what: str
    promised: float
    took: float
    state: str
    due: int | None


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """A contract's record: how many promises of a kind were kept. ``uptime`` in per cent, None without machines."""

    calls: int
    response_met: int
    response_missed: int
    response_waiting: int
    repair_met: int
    repair_missed: int
    repair_waiting: int
    mean_response: float | None
    mean_repair: float | None
    uptime: float | None
    uptime_promised: float | None

    @property
    def uptime_kept(self) -> bool | None:
        """None where nothing is promised or nothing is covered."""
        if self.uptime is None or self.uptime_promised is None:
            return None
        return self.uptime >= self.uptime_promised


class Warning(msgspec.Struct, frozen=True, kw_only=True):
    """Why a contract needs somebody: ``what`` notice, notice-passed, ends or ended; ``at`` the date meant."""

    contract_id: str
    what: str
    at: int


def runs(contract: Contract, at: int) -> bool:
    """Whether a contract is in force at this moment."""
    stop = min((end for end in (contract.ends, contract.cancelled) if end is not None), default=None)
    return contract.starts <= at and (stop is None or at < stop)


def measure(contract: Contract, call: Call, now: int) -> list[Measured]:
    """A call against what the contract promises; response is the answer, or the arrival where that was first."""
    calendar = hours.parse(contract.hours, contract.zone, contract.holidays)
    came = [at for at in (call.answered, call.on_site, call.resolved) if at is not None]
    found = []
    for what, promised, done in (
        ("response", contract.response_hours, min(came, default=None)),
        ("repair", contract.repair_hours, call.resolved),
    ):
        if promised is None:
            continue
        took = hours.served(calendar, call.opened, now if done is None else done) / HOUR
        kept = took <= promised
        state = ("running" if kept else "overdue") if done is None else ("met" if kept else "missed")
        found.append(
            Measured(
                what=what, promised=promised, took=round(took, 2), state=state,
                due=hours.due(calendar, call.opened, promised),
            )
        )  # fmt: skip
    return found


def comply(
    contract: Contract, calls: Iterable[Call], now: int, *, machine_hours: float = 0.0, down_hours: float = 0.0
) -> Compliance:
    """A contract's record over calls. ``machine_hours``: hours that covered machines should have been there."""
    rows = list(calls)
    found = [one for call in rows for one in measure(contract, call, now)]

    def count(what: str, *states: str) -> int:
        return sum(one.what == what and one.state in states for one in found)

    def mean(what: str) -> float | None:
        took = [one.took for one in found if one.what == what and one.state in ("met", "missed")]
        return round(sum(took) / len(took), 2) if took else None

    up = round(100 * (1 - min(down_hours, machine_hours) / machine_hours), 3) if machine_hours > 0 else None
    return Compliance(
        calls=len(rows), response_met=count("response", "met"), response_missed=count("response", "missed", "overdue"),
        response_waiting=count("response", "running"), repair_met=count("repair", "met"),
        repair_missed=count("repair", "missed", "overdue"), repair_waiting=count("repair", "running"),
        mean_response=mean("response"), mean_repair=mean("repair"), uptime=up, uptime_promised=contract.uptime,
    )  # fmt: skip


def warnings(contracts: Sequence[Contract], now: int, soon: int = SOON) -> list[Warning]:
    """Contracts that end, renew themselves or have ended, the nearest first. A contract that was cancelled, or has
    no end, needs nobody."""
    found = []
    for one in contracts:
        if one.ends is None or one.cancelled is not None:
            continue
        notice = one.ends - one.notice_days * DAY
        if now >= one.ends:
            found.append(Warning(contract_id=one.contract_id, what="ended", at=one.ends))
        elif one.notice_days and now < notice <= now + soon:
            found.append(Warning(contract_id=one.contract_id, what="notice", at=notice))
        elif one.notice_days and notice <= now:
            found.append(Warning(contract_id=one.contract_id, what="notice-passed", at=notice))
        elif one.ends <= now + soon:
            found.append(Warning(contract_id=one.contract_id, what="ends", at=one.ends))
    return sorted(found, key=lambda one: (one.at, one.contract_id))
