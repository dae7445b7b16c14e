"""One run of load: who is over when, latencies as a whole and by label, and what becomes the JSON line."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from bench.http_client import Connection

GOOD = (200, 201, 204)


def percentile(times: Sequence[float], part: float) -> float | None:
    """In ms; None where there is nothing. ``times``: sorted seconds."""
    return round(times[min(len(times) - 1, int(part * len(times)))] * 1000, 2) if times else None


class Run:
    """A request counts when it began after the warm-up and its answer is there before the end."""

    def __init__(self, seconds: float, warmup: float) -> None:
        self.start = time.perf_counter() + warmup
        self.end = self.start + seconds
        self.times: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[int] = Counter()
        self.resources = 0
        self.first_error = ""

    @property
    def over(self) -> bool:
        return time.perf_counter() >= self.end

    async def call(
        self, connection: Connection, method: str, path: str, body: Any = None, *, label: str = "", resources: int = 1
    ) -> bytes:
        """The answer's body. Statuses other than 200, 201 and 204 are counted and the first is kept."""
        began = time.perf_counter()
        status, answer = await connection.send(method, path, body)
        now = time.perf_counter()
        if began >= self.start and now <= self.end:
            self.times[label].append(now - began)
            self.statuses[status] += 1
            if status in GOOD:
                self.resources += resources
        if status not in GOOD and not self.first_error:
            self.first_error = f"{method} {path}: {status} {answer[:300].decode('utf-8', 'replace')}"
        return answer

    def row(self) -> dict[str, Any]:
        """Rates, percentiles over all requests, and those of each label, slowest first."""
        times = sorted(one for group in self.times.values() for one in group)
        seconds = self.end - self.start
        row: dict[str, Any] = {
            "requests_per_second": round(len(times) / seconds, 1),
            "resources_per_second": round(self.resources / seconds, 1),
            "p50_ms": percentile(times, 0.5),
            "p95_ms": percentile(times, 0.95),
            "p99_ms": percentile(times, 0.99),
            "max_ms": percentile(times, 1.0),
            "status": dict(sorted(self.statuses.items())),
        }
        if self.first_error:
            row["first_error"] = self.first_error
        if len(self.times) > 1:
            parts = {label: sorted(group) for label, group in self.times.items()}
            by_sum = sorted(parts, key=lambda label: -sum(parts[label]))
            row["each"] = {
                label: {
                    "requests": len(parts[label]),
                    "p50_ms": percentile(parts[label], 0.5),
                    "p99_ms": percentile(parts[label], 0.99),
                    "max_ms": percentile(parts[label], 1.0),
                }
                for label in by_sum
            }
        return row
