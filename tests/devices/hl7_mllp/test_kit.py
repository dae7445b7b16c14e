"""The HL7 driver joins the conformance kit."""

from __future__ import annotations

import pytest

from wardbridge.devices.kit import suite

from .rig import Hl7Rig


@pytest.fixture
def rig() -> Hl7Rig:
    return Hl7Rig()


class TestFolder(suite.FolderKit): ...


class TestLife(suite.LifeKit): ...


class TestReplay(suite.ReplayKit): ...


class TestStream(suite.StreamKit): ...


class TestMutation(suite.MutationKit): ...


class TestAck(suite.AckKit): ...


class TestOrder(suite.OrderKit): ...


class TestLog(suite.LogKit): ...


class TestHealth(suite.HealthKit): ...


class TestSlowSink(suite.SlowSinkKit): ...
