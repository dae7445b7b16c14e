"""Many clients race for the same keys: what the server holds afterwards is what it answered (``bench/races.py``)."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import httpx
import pytest
from bench.races import race
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.fhir.rest.conftest import Api


def client_of(api: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=[Mount("/fhir", api.application)])),
        base_url="http://test/fhir",
        headers={"authorization": "Bearer service", "content-type": "application/fhir+json"},
    )


async def raced(api: Api, clients: int, goes_on: Callable[[], bool]) -> None:
    async with client_of(api) as client:
        races = await race(client, clients, goes_on)
    assert races.wrong == []
    assert races.steps.total() > 0
    assert races.writes.total() > 0


async def test_racing_clients_lose_nothing(api: Api) -> None:
    turns = count()
    await raced(api, 16, lambda: next(turns) < 200)


@pytest.mark.slow
async def test_racing_clients_lose_nothing_for_twenty_seconds(api: Api) -> None:
    end = time.monotonic() + 20
    await raced(api, 64, lambda: time.monotonic() < end)
