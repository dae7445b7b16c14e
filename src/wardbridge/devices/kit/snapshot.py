"""Batches as JSON that a person can read and a test can compare.

``WARDBRIDGE_SNAPSHOTS=write`` writes the expected files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import array
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from wardbridge.devices.values import AnyValue, Batch, Waveform


def plain(value: AnyValue) -> dict[str, Any]:
    """One value by field name, without the fields that have their default."""
    told: dict[str, Any] = {"type": type(value).__name__}
    for field in msgspec.structs.fields(value):
        content = getattr(value, field.name)
        if content == field.default:
            continue
        if isinstance(value, Waveform) and field.name == "samples":
            samples = array.array("h", content)
            if sys.byteorder == "big":
                samples.byteswap()
            content = samples.tolist()
        told[field.name] = list(content) if isinstance(content, tuple) else content
    return told


def picture(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """Batches as a snapshot: raw bytes by their length only."""
    return [
        {
            "device": batch.device,
            "received": batch.received,
            "sender": batch.sender,
            "control": batch.control,
            "profile": batch.profile,
            "raw": len(batch.raw),
            "values": [plain(value) for value in batch.values],
            "problems": [list(problem) for problem in batch.problems],
        }
        for batch in batches
    ]


def compare(batches: Sequence[Batch], expected: Path) -> None:
    """Assert that ``batches`` are as the file ``expected`` says."""
    seen = json.loads(json.dumps(picture(batches)))
    if os.environ.get("WARDBRIDGE_SNAPSHOTS") == "write":
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert expected.is_file(), f"no snapshot {expected.name}; write it with WARDBRIDGE_SNAPSHOTS=write"
    assert seen == json.loads(expected.read_text(encoding="utf-8"))
