"""A record over a fresh database."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.ids import counted_ids
from wardbridge.fhir.store.record import Record


@pytest.fixture
async def record(database: Any, clock: FakeClock) -> Record:
    found = Record(database.pool, clock, counted_ids())
    await found.load()
    return found
