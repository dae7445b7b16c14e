"""The record over HTTP with granian and an embedded PostgreSQL, for load tools: prints ``ready URL`` and its pids.

python -m bench.fhir_server --port 8180 --workers 2
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded

_app: Any = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI entry that each worker loads; it builds its application at the first request."""
    global _app
    if scope["type"] != "http":
        return
    if _app is None:
        from bench.record_app import build

        _app = asyncio.ensure_future(
            build(
                os.environ["BENCH_DSN"],
                size=int(os.environ.get("BENCH_POOL", "6")),
                validated=os.environ.get("BENCH_VALIDATE", "1") == "1",
                lanes=int(os.environ.get("BENCH_LANES", "2")),
            )
        )
    built = await _app if isinstance(_app, asyncio.Future) else _app
    scope = {**scope, "root_path": "/fhir"}
    await built[1](scope, receive, send)


async def _prepare(folder: Path, dsn: str) -> Embedded | None:
    server = None
    if not dsn:
        server = Embedded(folder, SystemClock(), shared_mb=512)
        await server.start()
        dsn = server.dsn
    pool = await open_pool(dsn, size=1)
    await migrate(pool)
    await pool.close()
    os.environ["BENCH_DSN"] = dsn
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8180)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dsn", default="", help="a migrated or empty database; default: an embedded one")
    parser.add_argument("--data", default="", help="folder of the embedded database; default: a new one")
    parser.add_argument("--no-validate", action="store_true")
    given = parser.parse_args()
    if given.no_validate:
        os.environ["BENCH_VALIDATE"] = "0"
    folder = Path(given.data or tempfile.mkdtemp(prefix="wbb-"))
    server = asyncio.run(_prepare(folder, given.dsn))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"ready http://127.0.0.1:{given.port}/fhir pid={os.getpid()} data={folder}", flush=True)
    try:
        Granian(
            "bench.fhir_server:app",
            address="127.0.0.1",
            port=given.port,
            workers=given.workers,
            interface=Interfaces.ASGINL,
            log_enabled=False,
        ).serve()
    finally:
        if server is not None:
            asyncio.run(Embedded(folder, SystemClock()).stop())


if __name__ == "__main__":
    main()
