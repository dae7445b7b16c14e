"""Load for an MLLP listener: PCD-01 reports in, durable acknowledgements counted and timed.

Speaks to any host and port; needs no server inside. Each connection plays one monitor with its own
identifier and keeps up to --in-flight messages unacknowledged. With --rate the messages go out at
their due times whatever the answers do, and latency counts from the due time (no coordinated omission);
without it as fast as answers come. An answer counts as good when it is CA or AA with our MSH-10.
Run: python -m bench.mllp --port 2575 --connections 8 --messages 20000 [--rate 1000] [--obx 30]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import socket
import time
from collections import Counter

from wardbridge.exchange.mllp.frames import FrameReader

from .hl7_parse import METRICS

START, END = b"\x0b", b"\x1c\r"


class Monitor:
    """One sender: its identity and its reports."""

    def __init__(self, number: int, run: str, obx: int, rng: random.Random) -> None:
        self.run = run
        self.number = number
        self.rng = rng
        self.key = f"BENCH{number:05d}^^00BE{number:012X}^EUI-64"
        self.rows = [METRICS[at % len(METRICS)] for at in range(max(0, obx - 3))]

    def report(self, count: int, stamp: str) -> tuple[str, bytes]:
        """(control id, framed message)."""
        control = f"{self.run}-{self.number}-{count}"
        rows = [
            f"MSH|^~\\&|BENCH^00BE{self.number:012X}^EUI-64|WARD|WARDBRIDGE||{stamp}||ORU^R01^ORU_R01|{control}"
            "|P|2.6|||AL|NE||UNICODE UTF-8|||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
            f"PID|||BENCH{self.number}^^^Hospital^PI||Load^Test{self.number}^^^^^L",
            f"PV1||I|BENCH^{self.number // 10}^{self.number}",
            f"OBR|1||{count}^BENCH|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{stamp}",
            f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{self.key}",
            "OBX|2||69854^MDC_DEV_METER_PRESS_BLD_VMD^MDC|1.1.0.0|||||||X",
            "OBX|3||69855^MDC_DEV_METER_PRESS_BLD_CHAN^MDC|1.1.1.0|||||||X",
        ]
        for at, (path, code, refid, unit, limits, middle) in enumerate(self.rows):
            value = f"{middle + self.rng.uniform(-3, 3):.{0 if isinstance(middle, int) else 1}f}"
            place = f"OBX|{at + 4}|NM|{code}^{refid}^MDC|{path}.{at + 1}"
            rows.append(f"{place}|{value}|{unit}|{limits}||||R|||{stamp}||||{self.key}")
        return control, START + ("\r".join(rows) + "\r").encode() + END


class Load:
    """What was sent and what came back."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.codes: Counter[str] = Counter()
        self.bytes = 0
        self.lost = 0


async def play(args: argparse.Namespace, monitor: Monitor, count: int, begin: float, load: Load) -> None:
    """One connection: `count` reports, then wait for the last answer."""
    reader, writer = await asyncio.open_connection(args.host, args.port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    due: dict[str, float] = {}
    room = asyncio.Semaphore(args.in_flight)
    finished = asyncio.Event()

    async def listen() -> None:
        frames = FrameReader()
        answered = 0
        while answered < count and (data := await reader.read(65536)):
            now = time.perf_counter()
            for item in frames.feed(data):
                text = item.decode() if isinstance(item, bytes) else ""
                msa = next((row for row in text.split("\r") if row[:4] == "MSA|"), "")
                parts = [*msa.split("|"), "", "", ""]
                at = due.pop(parts[2], None)
                if at is None:
                    load.codes["unexpected"] += 1
                    continue
                load.codes[parts[1]] += 1
                load.latencies.append(now - at)
                answered += 1
                room.release()
        finished.set()
        room.release()  # the sender may be waiting for answers that will not come

    listening = asyncio.create_task(listen())
    pace = args.connections / args.rate if args.rate else 0.0
    offset = pace * monitor.number / args.connections
    for number in range(count):
        if pace:
            at = begin + offset + number * pace
            delay = at - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
        await room.acquire()
        if finished.is_set():
            break
        stamp = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime())
        control, framed = monitor.report(number, stamp)
        due[control] = at if pace else time.perf_counter()
        load.bytes += len(framed)
        writer.write(framed)
        await writer.drain()
    try:
        async with asyncio.timeout(args.patience):
            await finished.wait()
    except TimeoutError:
        listening.cancel()
    load.lost += len(due)
    writer.close()


def quantile(ordered: list[float], share: float) -> float:
    """A latency in milliseconds."""
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


async def run(args: argparse.Namespace) -> dict[str, object]:
    """The whole load and its figures."""
    load = Load()
    name = args.run or f"{random.SystemRandom().getrandbits(32):08x}"
    rng = random.Random(args.seed)
    monitors = [Monitor(n, name, args.obx, rng) for n in range(args.connections)]
    shares = [
        args.messages // args.connections + (n < args.messages % args.connections) for n in range(args.connections)
    ]
    begin = time.perf_counter()
    await asyncio.gather(
        *[play(args, monitor, share, begin, load) for monitor, share in zip(monitors, shares, strict=True) if share]
    )
    seconds = time.perf_counter() - begin
    ordered = sorted(load.latencies)
    good = load.codes["CA"] + load.codes["AA"]
    return {
        "bench": "mllp",
        "connections": args.connections,
        "in_flight": args.in_flight,
        "obx": args.obx,
        "rate_asked": args.rate,
        "messages": args.messages,
        "acknowledged": good,
        "codes": dict(load.codes),
        "unanswered": load.lost,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(time.process_time(), 2),
        "messages_per_s": round(good / seconds, 1),
        "megabytes_per_s": round(load.bytes / seconds / 1e6, 2),
        "p50_ms": quantile(ordered, 0.50),
        "p95_ms": quantile(ordered, 0.95),
        "p99_ms": quantile(ordered, 0.99),
        "max_ms": quantile(ordered, 1.0),
        "machine": f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2575)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--in-flight", type=int, default=16, help="unacknowledged messages a connection")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second in sum; 0: as fast as it goes")
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--obx", type=int, default=30)
    parser.add_argument("--patience", type=float, default=30.0, help="seconds to wait for the last answers")
    parser.add_argument("--run", default="", help="prefix of the control ids; the same again sends duplicates")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(asyncio.run(run(args))))


if __name__ == "__main__":
    main()
