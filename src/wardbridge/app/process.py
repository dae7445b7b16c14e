"""How each of our own processes starts: settings from the parent, a log, and an end when the parent ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
import uvloop

from wardbridge.app.children import end_with_parent
from wardbridge.core import log as logs
from wardbridge.core import store
from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Pool
from wardbridge.core.errors import SettingsError
from wardbridge.core.settings import Settings

log = structlog.get_logger(__name__)
STATE_SECONDS = 2.0


def resolved() -> tuple[Settings, str]:
    """Settings and DSN as the parent passed them on. Raises SettingsError outside of a child process."""
    try:
        return msgspec.json.decode(os.environ["WARDBRIDGE_RESOLVED"], type=Settings), os.environ["WARDBRIDGE_DSN"]
    except KeyError as error:
        raise SettingsError("this command is for Wardbridge's own processes; use: wardbridge serve") from error


def run_process(name: str) -> None:
    """Run one process until SIGTERM. Raises SettingsError for an unknown name."""
    settings, dsn = resolved()
    logs.configure(settings.log_level, settings.log_format, name)
    end_with_parent()
    # Messages are short-lived values without cycles: the collector's usual pace would look through them all day.
    gc.set_threshold(50_000, 20, 50)
    if name == "web":
        from wardbridge.app.web import serve_web

        serve_web(settings)
        return
    if name == "gateway":
        from wardbridge.app.gateway import run_gateway as run
    elif name == "links":
        from wardbridge.app.links import run_links as run
    elif name == "jobs":
        from wardbridge.app.jobs import run_jobs as run
    elif name == "engine":
        from wardbridge.app.engine import run_engine as run
    else:
        raise SettingsError(f"no process {name!r}")
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_signal(lambda: run(settings, dsn)))


async def until_signal(work: Callable[[], Awaitable[None]]) -> None:
    """Run ``work`` and cancel it on SIGTERM or SIGINT; its own failure is raised."""
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def tell(pool: Pool, clock: Clock, process: str, say: Callable[[], dict[str, Any]]) -> None:
    """Tell the state of this process every two seconds, for ever."""
    while True:
        try:
            await store.put_state(pool, process, clock.now(), say())
        except AWAY as error:
            log.warning("state.not_told", reason=type(error).__name__)
        await clock.sleep(STATE_SECONDS)


async def forever(clock: Clock, seconds: float, work: Callable[[], Awaitable[object]], name: str) -> None:
    """Do ``work`` again and again; a failure is logged and never ends the loop."""
    while True:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.error("job.failed", job=name, reason=f"{type(error).__name__}: {error}"[:300])
        await clock.sleep(seconds)
