"""One running server for all quick tests of this folder, with two destinations: one that answers, one that is dead."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.his import Receiver
from tests.app.served import Served, free_port, served


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """The hospital's own system: takes results over MLLP and keeps them."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def house(receiver: Receiver) -> Iterator[Served]:
    """``wardbridge serve`` on its own folder; tests share it and so use patients and devices of their own."""
    folder = Path(tempfile.mkdtemp(prefix="wbh-"))
    data = folder / "data"
    data.mkdir()
    (data / "wardbridge.toml").write_text(
        f"""site = "Test House"
charting_minutes = 1
[charting.MDC_ECG_HEART_RATE]
mode = "change"
at_most_seconds = 1
[destinations.dead]
host = "127.0.0.1"
port = {free_port()}
timeout = 2
[destinations.his]
host = "127.0.0.1"
port = {receiver.port}
timeout = 5
""",
        "utf-8",
    )
    try:
        with served(data) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
