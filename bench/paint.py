"""From the wire to the painted number: MLLP in, headless Chromium out, against a running ``wardbridge demo``.

A further monitor at a further bed sends a heart rate that is different every time, and now and then an
alarm with its own text; the ward board in Chromium says when it has painted each. Both clocks are this machine's.

    python -m bench.paint --url http://127.0.0.1:8080 --mllp-port 2575 --data demo-data --seconds 300
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
EUI = "02A17CFFFE0BE9C4"
WARD, ROOM, BED = "ICU", "99", "99"
WATCH = """
() => {
  window.painted = [];
  const seen = new Set();
  const note = (kind, text) => requestAnimationFrame(() => setTimeout(() => {
    window.painted.push([kind, text, Date.now()]);
  }, 0));
  const look = () => {
    const tile = document.querySelector('[data-place^="%s"]');
    if (!tile) return;
    const hr = tile.querySelector('[data-slot="hr"] [data-text]');
    if (hr && !seen.has(hr.textContent)) {
      seen.clear();
      seen.add(hr.textContent);
      note('hr', hr.textContent);
    }
    for (const item of tile.querySelectorAll('[data-alarms] li')) {
      const text = (item.textContent.match(/bench-\\d+/) || [''])[0];
      if (text && !window['a' + text]) { window['a' + text] = 1; note('alarm', text); }
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


class Wire:
    """One MLLP connection that waits for each acknowledgement."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0

    def send(self, rows: list[str]) -> None:
        self.socket.sendall(b"\x0b" + ("\r".join(rows) + "\r").encode() + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            answer += self.socket.recv(65536)
        if b"MSA|CA" not in answer and b"MSA|AA" not in answer:
            raise SystemExit(f"not acknowledged: {answer!r}")

    def head(self, kind: str, profile: str, accept: str = "AL", application: str = "NE") -> tuple[str, str]:
        self.number += 1
        now = datetime.now(UTC).strftime("%Y%m%d%H%M%S.%f")[:-3] + "+0000"
        control = f"BENCH{os.getpid()}x{self.number}"
        return now, (f"MSH|^~\\&|BENCH^{EUI}^EUI-64||WB||{now}||{kind}|{control}|P|2.6|||{accept}|{application}|||||"
                     f"X^IHE PCD^{profile}^ISO")  # fmt: skip

    def admit(self) -> None:
        now, head = self.head("ADT^A01^ADT_A01", "", "", "")
        self.send([head, f"EVN|A01|{now}", "PID|1||BENCH1^^^SEAHILL&2.999.1.1&ISO^MR||Bench^Paint||19800101|F",
                   f"PV1|1|I|{WARD}^{ROOM}^{BED}||||||||||||||||VBENCH1"])  # fmt: skip

    def report(self, rate: int) -> None:
        now, head = self.head("ORU^R01^ORU_R01", "1.3.6.1.4.1.19376.1.6.1.1.1")
        device = f"{EUI}^^{EUI}^EUI-64"
        self.send([
            head, "PID|||^^^^U||^^^^^^U", f"PV1||I|{WARD}^{ROOM}^{BED}",
            f"OBR|1|{self.number}^B|{self.number}^B|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{now}",
            f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{device}",
            f"OBX|2|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.1|{rate}|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R",
        ])  # fmt: skip

    def alarm(self, name: str, phase: str, state: str, parent: int) -> None:
        now, head = self.head("ORU^R40^ORU_R40", "1.3.6.1.4.1.19376.1.6.1.4.1")
        device = f"{EUI}^^{EUI}^EUI-64"
        self.send([
            head, "PID|||^^^^U||^^^^^^U", f"PV1||I|{WARD}^{ROOM}^{BED}",
            f"OBR|1||{self.number}-{os.getpid()}^BENCH^{EUI}^EUI-64|196616^MDC_EVT_ALARM^MDC|||{now}||||||||||||||||||||||"
            f"^{parent}-{os.getpid()}&BENCH&{EUI}&EUI-64",
            f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{device}",
            f"OBX|2|ST|196648^MDC_EVT_HI^MDC|1.7.4.1.1|{name}||||||R|||{now}",
            "OBX|3|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.1.2|180|264864^MDC_DIM_BEAT_PER_MIN^MDC|50-120|||||R",
            f"OBX|4|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.7.4.1.3|{phase}||||||R",
            f"OBX|5|ST|68482^MDC_ATTR_ALARM_STATE^MDC|1.7.4.1.4|{state}||||||R",
            "OBX|6|ST|68484^MDC_ATTR_ALARM_PRIORITY^MDC|1.7.4.1.6|PH||||||R",
            "OBX|7|ST|68485^MDC_ATTR_ALERT_TYPE^MDC|1.7.4.1.7|SP||||||R",
        ])  # fmt: skip


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def open_board(page: Page, url: str, login: str, password: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("input[name=login], input[name=name]", login)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_timeout(1500)
    page.goto(f"{url}/wards/{WARD}")
    page.wait_for_timeout(3000)
    page.evaluate(WATCH % f"{WARD.lower()}-{ROOM}-{BED}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--mllp-port", type=int, default=2575)
    parser.add_argument("--data", default="demo-data", help="the demo's data folder")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two reports")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    logins = json.loads((Path(options.data) / "demo-logins.json").read_text("utf-8"))
    words = ["--data", options.data, "--key", EUI, "--label", "Bench monitor", "--place", f"{WARD}|{ROOM}|{BED}"]
    subprocess.run(
        [sys.executable, "-m", "wardbridge.cli", "device", "add", *words], check=True, stdout=subprocess.DEVNULL
    )
    wire = Wire(options.mllp_port)
    wire.admit()
    wire.report(60)
    stop = threading.Event()

    def drive() -> None:
        count = 0
        while not stop.wait(options.every):
            count += 1
            rate = 61 + count % 100
            started.append(("hr", str(rate), time.time() * 1000))
            wire.report(rate)
            if count % 10 == 0:
                name = f"bench-{count}"
                started.append(("alarm", name, time.time() * 1000))
                wire.alarm(name, "start", "active", wire.number + 1)
                parents[count] = wire.number
            if count % 10 == 5 and count - 5 in parents:
                wire.alarm(f"bench-{count - 5}", "end", "inactive", parents.pop(count - 5))

    started: list[tuple[str, str, float]] = []
    parents: dict[int, int] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        page = browser.new_context(viewport={"width": 1920, "height": 1200}).new_page()
        open_board(page, options.url, "nora", logins["nora"])
        thread = threading.Thread(target=drive, daemon=True)
        thread.start()
        page.wait_for_timeout(options.seconds * 1000)
        stop.set()
        thread.join(10)
        page.wait_for_timeout(3000)
        painted: list[tuple[str, str, float]] = [tuple(item) for item in page.evaluate("() => window.painted")]
        browser.close()
    for kind in ("hr", "alarm"):
        waits = []
        at = 0
        shown = [item for item in painted if item[0] == kind]
        for _, text, when in [item for item in started if item[0] == kind]:
            for index in range(at, len(shown)):
                if shown[index][1] == text and shown[index][2] >= when - 5:
                    waits.append(shown[index][2] - when)
                    at = index + 1
                    break
        total = sum(item[0] == kind for item in started)
        print(json.dumps({
            "bench": "paint", "kind": kind, "sent": total, "painted": len(waits), "seconds": options.seconds,
            "p50_ms": round(percentile(waits, 0.5), 1), "p95_ms": round(percentile(waits, 0.95), 1),
            "p99_ms": round(percentile(waits, 0.99), 1), "max_ms": round(max(waits, default=float("nan")), 1),
            "load": os.getloadavg()[0],
        }))  # fmt: skip


if __name__ == "__main__":
    main()
