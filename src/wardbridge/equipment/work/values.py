"""One piece of work on a machine, as a row of the table ``work``."""

from __future__ import annotations

import msgspec


class Work(msgspec.Struct, frozen=True):
    """A row of the table ``work``. ``due``, ``*_at`` in µs since the epoch; state open, taken or resolved."""

    work_id: str
    device_id: str
    kind: str
    name: str
    text: str
    state: str
    reported_by: str
    reported_at: int
    request_id: str
    task_id: str
    code: str = ""
    priority: str = "routine"
    interval_days: int | None = None
    due: int | None = None
    taken_by: str = ""
    taken_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    resolution: str = ""
