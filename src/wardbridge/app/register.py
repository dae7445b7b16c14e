"""What ``wardbridge register`` does, beside a running server or without one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wardbridge.equipment.udi.parse import parse
from wardbridge.equipment.udi.values import Udi
from wardbridge.fhir.json import dumps


def udi_line(text: str) -> str:
    """A label as one JSON object: issuer, di, lot, serial, dates (ISO), and what is odd about it."""
    return dumps(_said(parse(text, datetime.now(UTC).year))).decode()


def _said(udi: Udi) -> dict[str, Any]:
    return {
        "text": udi.text, "issuer": udi.issuer, "di": udi.di, "lot": udi.lot, "serial": udi.serial,
        "expiration": udi.expiration, "manufactured": udi.manufactured, "donation": udi.donation,
        "quantity": udi.quantity, "rest": udi.rest, "warnings": list(udi.warnings),
    }  # fmt: skip
