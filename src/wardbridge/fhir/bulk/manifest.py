"""The answer of a job that is done (export.html#response---complete-status), and how far one is that is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import SECOND, iso
from wardbridge.fhir.bulk.ingest import REFUSED
from wardbridge.fhir.bulk.job import File, Job


def manifest(job: Job, files: Sequence[File], base: str) -> dict[str, Any]:
    """``base`` is our URL of the API."""
    out: dict[str, Any] = {
        "transactionTime": iso(job.created if job.kind == "export" else job.ended),
        "request": job.request,
        "requiresAccessToken": True,
        "output": [],
        "deleted": [],
        "error": [],
    }
    for file in files:
        url = f"{base}/bulk/{job.id}/{file.name}"
        out[file.kind].append({"type": file.type, "url": url, "count": file.lines})
    if job.kind == "import":
        del out["deleted"]
        out["output"] = imported(job)
        out["extension"] = {"refused": job.progress.counts.get(REFUSED, 0)}
    return out


def imported(job: Job) -> list[dict[str, Any]]:
    """By type: how many resources were written, and how many of those are new."""
    found: dict[str, dict[str, Any]] = {}
    for name, count in sorted(job.progress.counts.items()):
        what, _, type_name = name.partition(" ")
        if type_name:
            row = found.setdefault(type_name, {"type": type_name, "count": 0, "created": 0, "updated": 0})
            row[what] += count
            row["count"] += count
    return list(found.values())


def progress(job: Job) -> str:
    """For people, at most 100 characters."""
    if job.state == "waiting":
        return "waiting"
    counts = job.progress.counts
    done = sum(counts.values())
    refused = f", {counts[REFUSED]} refused" if counts.get(REFUSED) else ""
    return f"{int(job.progress.share() * 100)} %, {done} resources{refused}"


def pause(job: Job, now: int) -> int:
    """Seconds after which to ask again: a tenth of what the job has taken so far."""
    return max(1, min(60, (now - job.created) // (10 * SECOND)))
