"""The SDC driver joins the conformance kit."""

from __future__ import annotations

import pytest

from wardbridge.devices.kit import suite

from .rig import SdcRig


@pytest.fixture
def rig() -> SdcRig:
    return SdcRig()


class TestFolder(suite.FolderKit): ...


class TestLife(suite.LifeKit): ...


class TestReplay(suite.ReplayKit): ...


class TestMutation(suite.MutationKit): ...


class TestLog(suite.LogKit): ...


class TestHealth(suite.HealthKit): ...


class TestSlowSink(suite.SlowSinkKit): ...


class TestOrder(suite.OrderKit): ...


class TestPeerLoss(suite.PeerLossKit): ...
