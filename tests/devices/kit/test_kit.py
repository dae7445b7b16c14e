"""The kit passes a good driver and fails a bad one, each for its own fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wardbridge.devices.kit import suite
from wardbridge.devices.kit.snapshot import compare

from .liner import LinerRig


@pytest.fixture
def rig() -> LinerRig:
    return LinerRig()


class TestLife(suite.LifeKit): ...


class TestReplay(suite.ReplayKit): ...


class TestStream(suite.StreamKit): ...


class TestMutation(suite.MutationKit): ...


class TestLog(suite.LogKit): ...


class TestHealth(suite.HealthKit): ...


class TestAck(suite.AckKit): ...


class TestSlowSink(suite.SlowSinkKit): ...


class TestOrder(suite.OrderKit): ...


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("leak", suite.LifeKit().test_start_and_stop_leave_nothing),
        ("split", suite.StreamKit().test_every_split_gives_the_same),
        ("unbounded", suite.SlowSinkKit().test_memory_is_bounded),
        ("health", suite.HealthKit().test_health_follows_what_happens),
        ("early", suite.AckKit().test_answer_waits_for_the_sink),
        ("lie", suite.AckKit().test_a_refusal_is_never_a_positive_answer),
    ],
)
async def test_a_fault_is_found(rig: LinerRig, fault: str, test: Any) -> None:
    rig.fault = fault
    with pytest.raises(AssertionError):
        await test(rig)


async def test_a_talkative_log_is_found(rig: LinerRig, caplog: pytest.LogCaptureFixture) -> None:
    rig.fault = "log"
    with pytest.raises(AssertionError):
        await suite.LogKit().test_no_secret_is_logged(rig, caplog)


async def test_a_changed_value_is_found(rig: LinerRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARDBRIDGE_SNAPSHOTS", raising=False)
    sink, _, _ = await suite.heard(rig, [b"MUSTERMANN 1 72\n"])
    wrong = tmp_path / "one.json"
    wrong.write_text("[]")
    with pytest.raises(AssertionError):
        compare(sink.batches, wrong)
    with pytest.raises(AssertionError, match="no snapshot"):
        compare(sink.batches, tmp_path / "two.json")
