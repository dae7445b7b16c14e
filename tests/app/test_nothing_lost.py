"""Nothing acknowledged is ever lost, nothing is stored twice: messages of a client that we did not write,
while the gateway and PostgreSQL are killed again and again."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from pathlib import Path

import pytest
from hl7.client import MLLPClient

from tests.app.served import Served, served

SENDERS = 4
MESSAGES = int(os.environ.get("WARDBRIDGE_TEST_MESSAGES", "20000"))
GATEWAY_KILLS, POSTGRES_KILLS = 20, 5
REPEATED = 0.05


def message(sender: int, number: int) -> bytes:
    """A PCD-01 report whose heart rate names the message: no two are alike."""
    second = number % 86_400
    time_ = f"20260101{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}.{number // 86_400:03d}0+0000"
    rows = [
        f"MSH|^~\\&|MON{sender}^02A17CFFFE00000{sender}^EUI-64||WB||{time_}||ORU^R01^ORU_R01|S{sender}M{number}|P|2.6|||AL|NE|||||"
        "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        "PID|||^^^^U||^^^^^^U", f"PV1||I|ICU^{sender}^1",
        f"OBR|1|{sender}{number}^MON|{sender}{number}^MON|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{time_}",
        f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||02A17CFFFE00000{sender}^^02A17CFFFE00000{sender}^EUI-64",
        f"OBX|2|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|{number}.{sender}0|264864^MDC_DIM_BEAT_PER_MIN^MDC^/min^/min^UCUM|||||R",
        "OBX|3|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.3.1.150456|97.50|262688^MDC_DIM_PERCENT^MDC^%^%^UCUM|||||R",
    ]  # fmt: skip
    return ("\r".join(rows) + "\r").encode()


class Sender(threading.Thread):
    """Sends its messages one after another, each until it is acknowledged; some it sends again."""

    def __init__(self, number: int, count: int, server: Served) -> None:
        super().__init__(daemon=True)
        self.number, self.count, self.server = number, count, server
        self.acked: list[int] = []
        self.resent = 0
        self.wrong: list[bytes] = []
        self._random = random.Random(number)
        self._client: MLLPClient | None = None

    def run(self) -> None:
        for number in range(self.count):
            self._send(number)
            self.acked.append(number)
            if self._random.random() < REPEATED:
                self._send(number)
                self.resent += 1

    def _send(self, number: int) -> None:
        while True:
            try:
                if self._client is None:
                    self._client = MLLPClient("127.0.0.1", self.server.mllp_port)
                    self._client.socket.settimeout(30)
                answer = self._client.send_message(message(self.number, number))
                if f"MSA|CA|S{self.number}M{number}".encode() in answer:
                    return
                if answer:
                    self.wrong.append(answer)
                raise ConnectionError
            except (TimeoutError, OSError):
                self._client = None
                time.sleep(0.02)


@pytest.mark.slow
def test_20000_messages_through_25_kills(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        senders = [Sender(number, MESSAGES // SENDERS, server) for number in range(1, SENDERS + 1)]
        began = time.monotonic()
        for sender in senders:
            sender.start()
        kills = ["gateway"] * GATEWAY_KILLS
        for at in range(POSTGRES_KILLS):
            kills.insert(at * 5 + 3, "postgres")
        done = {"gateway": 0, "postgres": 0}
        step = MESSAGES // (len(kills) + 1)
        for number, name in enumerate(kills, 1):
            while sum(len(s.acked) for s in senders) < number * step:
                assert any(s.is_alive() for s in senders)
                time.sleep(0.01)
            while not server.kill_child(name):
                time.sleep(0.01)
            done[name] += 1
        for sender in senders:
            sender.join(900)
            assert not sender.is_alive()
        assert done == {"gateway": GATEWAY_KILLS, "postgres": POSTGRES_KILLS}
        assert [answer for sender in senders for answer in sender.wrong] == []

        rows = server.fetch("SELECT control, count(*) AS n FROM intake WHERE kind = 'device' GROUP BY control")
        stored = {row["control"]: row["n"] for row in rows}
        sent = {f"S{s.number}M{number}" for s in senders for number in s.acked}
        assert set(stored) == sent
        assert {control for control, n in stored.items() if n != 1} == set()

        # Every value reaches the samples, once, with the digits as sent.
        def worked_off() -> bool:
            rows = server.fetch("SELECT count FROM pipeline_count WHERE name = 'entries_device'")
            return bool(rows) and rows[0]["count"] >= MESSAGES

        server.until(worked_off, 300)
        values = _values(server)
        assert len(values) == MESSAGES
        assert set(values) == {f"{number}.{s.number}0" for s in senders for number in s.acked}
        print(json.dumps({"messages": MESSAGES, "repeated": sum(s.resent for s in senders), **done,
                          "seconds": round(time.monotonic() - began, 1)}))  # fmt: skip


def _values(server: Served) -> list[str]:
    import asyncio

    from wardbridge.core.clock import DAY, SECOND
    from wardbridge.core.db import open_pool
    from wardbridge.telemetry import store
    from wardbridge.telemetry.blocks.read import window

    async def read() -> list[str]:
        pool = await open_pool(server.postgres.dsn, size=2)
        try:
            channels = [c.channel_id for c in await store.channels(pool) if c.spec.code == 147842]
            start = 1_767_225_600 * SECOND
            found = await window(pool, channels, start - DAY, start + 2 * DAY)
            return [kept.text for some in found.numerics.values() for kept in some]
        finally:
            await pool.close()

    return asyncio.run(read())
