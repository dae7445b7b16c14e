"""All kit classes in one place: a driver's ``test_kit.py`` imports what it joins from here."""

from wardbridge.devices.kit.hearing import (
    AckKit,
    MutationKit,
    OrderKit,
    ReplayKit,
    SlowSinkKit,
    StreamKit,
)
from wardbridge.devices.kit.lasting import FolderKit, HealthKit, LifeKit, LogKit, PeerLossKit
from wardbridge.devices.kit.rig import Rig, heard, running
from wardbridge.devices.kit.sinks import FailingSink, RecordingSink, SlowSink

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
