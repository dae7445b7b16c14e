"""The technician's laptop beside the simulated ward: new firmware for a machine, over a port of its own.

One line a command, one line an answer: ``list`` names the machines, ``firmware NAME VERSION`` installs a version, which
the machine then reports on the wire like any other fact about itself. Nothing of Wardbridge is involved.

    python -m wardbridge.devices.sim.bench --port 8577 firmware lvp-3 2.4.0
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from collections.abc import Iterable

from wardbridge.devices.sim.machine import Machine

LINE = 200


def answer(machines: Iterable[Machine], line: str) -> str:
    """What a command does and says."""
    known = {machine.identity.name: machine for machine in machines}
    match line.split():
        case ["list"]:
            return " ".join(f"{name}={machine.identity.firmware}" for name, machine in sorted(known.items()))
        case ["firmware", name, version] if name in known and len(version) <= 30:
            before = known[name].identity.firmware
            known[name].install(version)
            return f"{name} {before} -> {version}"
        case ["firmware", name, _]:
            return f"error: there is no machine {name}"
    return "error: list, or firmware NAME VERSION"


async def serve(machines: list[Machine], host: str, port: int) -> asyncio.Server:
    """Listen until closed. Raises OSError when the port is taken."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), 10)
            writer.write(answer(machines, line.decode("ascii", "replace")[:LINE]).encode() + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            return
        finally:
            writer.close()

    return await asyncio.start_server(talk, host, port, limit=LINE)


def main(arguments: list[str] | None = None) -> int:
    """Send one command; 1 where it was not understood or nobody listens."""
    parser = argparse.ArgumentParser(prog="python -m wardbridge.devices.sim.bench", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("words", nargs="+")
    said = parser.parse_args(arguments)
    try:
        with socket.create_connection(("127.0.0.1", said.port), timeout=10) as line:
            line.sendall(" ".join(said.words).encode("ascii", "replace") + b"\n")
            told = line.makefile("r", encoding="utf-8").readline().strip()
    except OSError as problem:
        told = f"error: nobody listens: {problem}"
    sys.stdout.write(told + "\n")
    return int(told.startswith("error"))


if __name__ == "__main__":
    sys.exit(main())
