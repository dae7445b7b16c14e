"""``python -m wardbridge.devices.sim``: run a simulated ward against a gateway until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from wardbridge.core.clock import SystemClock
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.ward import run


def parse(arguments: list[str] | None = None) -> WardConfig:
    """The command line as settings. Exits with 2 on a wrong one."""
    usual = WardConfig()
    parser = argparse.ArgumentParser(prog="python -m wardbridge.devices.sim", description=__doc__)
    parser.add_argument("--host", default=usual.host)
    parser.add_argument("--mllp-port", type=int, default=usual.mllp_port, help="the gateway's MLLP port")
    parser.add_argument("--beds", type=int, default=usual.beds)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--speed", type=float, default=usual.speed, help="of script and patients, not of the wire")
    parser.add_argument("--every", type=int, default=usual.every, help="seconds between a monitor's numerics")
    parser.add_argument("--no-waves", dest="waves", action="store_false")
    parser.add_argument("--no-ventilators", dest="ventilators", action="store_false")
    parser.add_argument("--oru-port", type=int, default=None, help="where the HIS takes results (0: any)")
    parser.add_argument("--bench-port", type=int, default=None, help="where new firmware is taken for machines")
    parser.add_argument("--oru-dead", action="store_true", help="the HIS hangs up instead of answering")
    parser.add_argument("--status-every", type=float, default=usual.status_every, help="seconds, 0 for never")
    parser.add_argument("--start", type=int, default=0, help="the ward's first moment, µs since 1970 UTC")
    try:
        return WardConfig(**vars(parser.parse_args(arguments)))
    except ValueError as error:
        parser.error(str(error))


async def _serve(config: WardConfig) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel if task else loop.stop)
    try:
        await run(config, SystemClock())
    except asyncio.CancelledError:
        return


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 0 then, 1 when a port is taken."""
    config = parse(arguments)
    try:
        asyncio.run(_serve(config))
    except OSError as problem:
        sys.stderr.write(f"cannot run the ward: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
