"""What boards show of patients follows the record, whoever wrote the Patient (ADT, API, a person)."""

from __future__ import annotations

from wardbridge.core.db import Pool, transaction
from wardbridge.devices import people
from wardbridge.exchange.feeds import store as marks
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.changes import Mark
from wardbridge.fhir.store.record import Record

NAME = "board/patients"


async def follow_patients(pool: Pool, record: Record, limit: int = 200) -> int:
    """Take the next changes of Patients; how many there were."""
    async with transaction(pool) as conn:
        await marks.begin(conn, NAME, str(Mark()))
        after = Mark.parse(await marks.mark(conn, NAME, lock=True) or "")
        found = await record.changes(conn, after, limit, ("Patient",))
        for change in found:
            if change.stored.body is not None:
                await people.refresh(conn, loads(change.stored.body))
        if found:
            await marks.move(conn, NAME, str(found[-1].mark))
    return len(found)
