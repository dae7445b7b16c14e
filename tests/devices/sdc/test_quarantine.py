"""What cannot be read is kept with its bytes, counted, and told by health; what follows is read as ever."""

from __future__ import annotations

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.devices.kit.suite import RecordingSink, running
from wardbridge.devices.values import Reading

from .rig import SdcRig

RIG = SdcRig()
GOOD = RIG.chunks((RIG.tests / "captures" / "numerics.soap").read_bytes())


def spoil(message: bytes, old: bytes, new: bytes) -> bytes:
    assert old in message
    return message.replace(old, new, 1)


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (b"this is no XML", "XMLSyntaxError"),
        (spoil(GOOD[3], b'Value="72"', b'Value="seventy"'), "ValidationError"),
        (spoil(GOOD[3], b"EpisodicMetricReport xmlns", b"Mystery xmlns"), ""),
        (b"", "XMLSyntaxError"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', ""),
    ],
)
async def test_a_spoiled_message_is_kept(spoiled: bytes, reason: str) -> None:
    rig, sink, clock = SdcRig(), RecordingSink(), FakeClock()
    driver = rig.build(sink, clock)
    async with running(rig, driver):
        await rig.replay(driver, [GOOD[0], spoiled, GOOD[4]])
        kept = [batch for batch in sink.batches if batch.problems and batch.problems[0][0] == "unreadable"]
        assert [batch.raw for batch in kept] == [spoiled]
        assert reason in kept[0].problems[0][2]
        assert [v.text for v in sink.values if isinstance(v, Reading) and v.text] == ["0.75"]
        health = driver.health()
        assert health.counts["quarantined"] == 1
        assert (health.state, health.text) == ("degraded", "1 messages could not be read; they are kept")
        await clock.advance(301)
        assert driver.health().state == "up"


async def test_an_overflow_in_replay_reads_the_state_again() -> None:
    rig, sink, clock = SdcRig(), RecordingSink(), FakeClock()
    driver = rig.build(sink, clock)
    many = [GOOD[3]] * 40  # the inbox of the rig holds 32
    async with running(rig, driver):
        await rig.replay(driver, [GOOD[0], *many])
        counts = driver.health().counts
        assert counts["dropped"] > 0
        assert counts["resyncs"] == 1
        assert sum("/Mdib@" in batch.control for batch in sink.batches) == 2
        assert driver.health().state == "up"
