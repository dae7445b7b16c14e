"""Writing procedures, and the results of their steps: with which instrument, and whether that one may be believed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import steps
from wardbridge.equipment.work.steps import Procedure, Result, Step
from wardbridge.equipment.work.store import orders, procedures
from wardbridge.equipment.work.store.procedures import Instrument
from wardbridge.security.principal import Principal


async def write(shop: Shop, conn: Connection, procedure: Procedure, by: Principal) -> Procedure:
    """A new procedure, or a new version of one that stands; the version is given here. Raises Invalid."""
    known = await procedures.versions(conn, procedure.procedure_id)
    fresh = msgspec.structs.replace(
        steps.checked(procedure), version=known[0].version + 1 if known else 1, by_id=by.id, by=by.display,
        at=shop.clock.now(),
    )  # fmt: skip
    await procedures.add(conn, fresh)
    return fresh


async def record(
    shop: Shop, conn: Connection, work_id: str, answers: Mapping[str, str], by: Principal, *, instrument_id: str = "",
    override: str = "", at: int | None = None,
) -> list[Result]:  # fmt: skip
    """Keep answers to steps (``{step: text}``) of the work's procedure; a step answered anew replaces its result.

    Raises NotFound, Conflict when the work has ended, Invalid for an answer that is none, and for a value that was
    measured without an instrument where one is asked for, or with one out of calibration and no ``override``.
    """
    found = await orders.locked(conn, [work_id])
    if not found:
        raise NotFound("there is no such work")
    work = found[0]
    if work.ended:
        raise Conflict(f"already {work.state} by {work.done_by}")
    procedure = await procedures.version(conn, work.procedure_id, work.procedure_version)
    if procedure is None:
        raise Invalid("this work has no procedure", "procedure")
    known = {step.step: step for step in procedure.steps}
    unknown = [name for name in answers if name not in known]
    if unknown:
        raise Invalid("the procedure has no such step", unknown[0])
    now = shop.clock.now() if at is None else at
    asked = [known[name] for name in answers]
    instrument = await _instrument(conn, asked, instrument_id, override.strip(), now)
    fresh = []
    for step in asked:
        number, verdict = steps.judge(step, answers[step.step])
        used = instrument if step.instrument else None
        fresh.append(
            Result(
                measurement_id=shop.ids(),
                work_id=work_id,
                device_id=work.device_id,
                step=step.step,
                name=step.text,
                code=step.code,
                kind=step.kind,
                text=answers[step.step].strip(),
                number=number,
                unit=step.unit,
                low=step.low,
                high=step.high,
                verdict=verdict,
                observation_id=shop.ids(),
                by_id=by.id,
                by=by.display,
                at=now,
                instrument_id=used.device_id if used else None,
                due=used.due if used else None,
                override=override.strip() if used and not valid(used, now) else "",
            )
        )
    if fresh:
        await procedures.add_results(conn, fresh)
        if work.device_id:
            await shop.record.put(conn, [steps.observation(one) for one in fresh])
    return fresh


def valid(instrument: Instrument, at: int) -> bool:
    """Whether its calibration holds at ``at`` (µs)."""
    return instrument.due is not None and instrument.due >= at


async def _instrument(
    conn: Connection, asked: list[Step], instrument_id: str, override: str, now: int
) -> Instrument | None:
    needing = [step for step in asked if step.instrument]
    if not needing:
        return None
    found = await procedures.instruments(conn, [instrument_id]) if instrument_id else []
    if not found:
        raise Invalid("say with which test equipment it was measured", "instrument")
    if not valid(found[0], now) and len(override) < 5:
        raise Invalid("this test equipment is out of calibration; take another, or say why it is used", "override")
    return found[0]


async def follow(shop: Shop, conn: Connection, work_id: str, procedure_id: str) -> None:
    """Let an order follow the version in force of a procedure.

    Raises NotFound, Conflict when the order has ended or has results by another procedure.
    """
    found = await orders.locked(conn, [work_id])
    known = await procedures.current(conn, [procedure_id])
    if not found or not known:
        raise NotFound("there is no such work or procedure", "procedure")
    if found[0].ended or await procedures.results(conn, [work_id]):
        raise Conflict("this work has ended, or has results already", "procedure")
    one = known[0]
    work = msgspec.structs.replace(
        found[0], procedure_id=one.procedure_id, procedure_version=one.version, minutes=found[0].minutes or one.minutes
    )
    await orders.update(conn, [work])
