"""All kit classes in one place: a driver's ``test_kit.py`` imports what it joins from here."""

import pytest

pytest.register_assert_rewrite("wardbridge.devices.kit.hearing", "wardbridge.devices.kit.lasting")

from wardbridge.devices.kit.hearing import (  # noqa: E402 - what fails must say why
    AckKit,
    MutationKit,
    OrderKit,
    ReplayKit,
    SlowSinkKit,
    StreamKit,
)
from wardbridge.devices.kit.lasting import (  # noqa: E402
    FolderKit,
    HealthKit,
    LifeKit,
    LogKit,
    PeerLossKit,
)
from wardbridge.devices.kit.rig import Rig, heard, running  # noqa: E402
from wardbridge.devices.kit.sinks import FailingSink, RecordingSink, SlowSink  # noqa: E402

__all__ = [
    "AckKit",
    "FailingSink",
    "FolderKit",
    "HealthKit",
    "LifeKit",
    "LogKit",
    "MutationKit",
    "OrderKit",
    "PeerLossKit",
    "RecordingSink",
    "ReplayKit",
    "Rig",
    "SlowSink",
    "SlowSinkKit",
    "StreamKit",
    "heard",
    "running",
]
