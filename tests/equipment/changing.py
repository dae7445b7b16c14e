"""Risk files for tests of changes."""

from __future__ import annotations

from typing import Any

from tests.equipment.conftest import OPERATOR, TECHNICIAN

from wardbridge.core.clock import DAY, HOUR
from wardbridge.equipment.changes import desk
from wardbridge.equipment.changes.values import Change, Hazard, Measure, Patch, RiskFile
from wardbridge.equipment.shop import Shop

START = 1_767_225_600_000_000
"""Where the fake clock begins."""


def hazard(**fields: Any) -> Hazard:
    """A hazard whose measure makes it acceptable."""
    measure = Measure(text="spare pumps at hand", owner="biomed", due=START + DAY)
    known: dict[str, Any] = {
        "property": "safety", "cause": "the pump restarts", "situation": "no therapy for two minutes",
        "harm": "hypotension", "severity": 4, "probability": 3, "severity_after": 4, "probability_after": 1,
        "measures": (measure,),
    }  # fmt: skip
    return Hazard(**(known | fields))


def file(**fields: Any) -> RiskFile:
    """A complete risk file with a window from now for a day."""
    known: dict[str, Any] = {
        "title": "New firmware for the pumps", "purpose": "CVE-2020-25165", "hazards": (hazard(),),
        "considered": {"effectiveness": "the drug library stays as it is", "security": "it closes a hole"},
        "rollback": "load the earlier image", "tests": "self-test and a bolus",
        "communication": "head nurses, the day before",
        "start": START, "stop": START + 24 * HOUR,
    }  # fmt: skip
    return RiskFile(**(known | fields))


def patch_file(version: str = "2.0", **fields: Any) -> RiskFile:
    """A complete risk file of a patch of ``model-1``."""
    patch = Patch(model_id="model-1", version=version, fixes=("CVE-2020-25165",))
    return file(**{"models": ("model-1",), "patch": patch} | fields)


async def scheduled(shop: Shop, kind: str, content: RiskFile) -> Change:
    """A change that both have signed, on the calendar."""
    async with shop.acting(TECHNICIAN) as conn:
        change = await desk.draft(shop, conn, kind, content, TECHNICIAN)
        await desk.move(shop, conn, change.change_id, "assess", TECHNICIAN)
        await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
    async with shop.acting(OPERATOR) as conn:
        await desk.sign(shop, conn, change.change_id, "it", OPERATOR)
        return await desk.move(shop, conn, change.change_id, "schedule", OPERATOR)
