"""The driver against an independent provider: sdc11073's own, in another process on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from wardbridge.core.clock import Clock, SystemClock
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.sdc.discovery import find
from wardbridge.devices.drivers.sdc.driver import Sdc, build
from wardbridge.devices.kit.sinks import RecordingSink, SlowSink
from wardbridge.devices.values import (
    AlertSignal,
    DeviceEvent,
    Identity,
    Quality,
    Reading,
    SubjectHint,
    Waveform,
)

from .peer import HERE, Peer


class Pausing(SystemClock):
    """Tells when the driver pauses between two tries."""

    def __init__(self) -> None:
        self.paused = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.paused.set()
        await super().sleep(seconds)


@contextlib.asynccontextmanager
async def linked(sink: RecordingSink, clock: Clock | None = None, **config: Any) -> AsyncIterator[Sdc]:
    """The driver running with a real clock, until the block ends."""
    context = DriverContext("test", config, clock or SystemClock(), sink, structlog.get_logger("sdc"))
    driver = build(context)
    task = asyncio.create_task(driver.run())
    try:
        yield driver
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def events(sink: RecordingSink, name: str) -> list[DeviceEvent]:
    return [v for v in sink.values if isinstance(v, DeviceEvent) and v.name == name]


def said(sink: RecordingSink, text: str) -> bool:
    return any(isinstance(v, Reading) and v.text == text for v in sink.values)


async def connected(sink: RecordingSink) -> None:
    await sink.wait(lambda s: bool(events(s, "connected")))


async def test_identity_and_the_whole_state_come_first() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address) as driver:
        await connected(sink)
        first = sink.batches[0]
        mds = next(v for v in first.values if isinstance(v, Identity) and not v.parent)
        assert first.device == mds.key == peer.epr
        assert (mds.manufacturer, mds.model, mds.serial) == ("Wardbridge Test Works", "Bedside One B1", "SN-4711-T")
        assert (mds.firmware, mds.hardware) == ("4.7.1", "C")
        assert sum(isinstance(v, Identity) and v.parent == peer.epr for v in first.values) == 3
        readings = [v for v in first.values if isinstance(v, Reading)]
        assert len(readings) == 6
        assert all(r.text == "" and r.quality & Quality.UNAVAILABLE for r in readings)
        assert driver.health().state == "up"
        assert "without TLS" in driver.health().text


async def test_metrics_waves_and_alerts_arrive_as_sent() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address):
        await connected(sink)
        await peer.tell("metrics", values={"hr": "131", "spo2": "97.5"})
        await sink.wait(lambda s: said(s, "131"))
        spo2 = next(v for v in sink.values if isinstance(v, Reading) and v.text == "97.5")
        assert (spo2.code, spo2.ucum, spo2.number, spo2.channel) == (150456, "%", 97.5, "69642/69643/150456")
        assert spo2.device_time > 0

        samples = [f"{n * 0.005 - 1:.3f}" for n in range(250)]
        for _ in range(4):
            await peer.tell("waves", values={"ecg.ii": samples})
        await sink.wait(lambda s: sum(isinstance(v, Waveform) for v in s.values) == 4)
        waves = [v for v in sink.values if isinstance(v, Waveform)]
        assert [w.sequence for w in waves] == [waves[0].sequence + n for n in range(4)]
        assert {w.period for w in waves} == {4000.0}
        back = np.frombuffer(waves[0].samples, "<i2") * waves[0].scale + waves[0].offset
        assert np.abs(back - np.array(samples, dtype=float)).max() < 1e-9

        signals = {"hr.high.aud": "On"}
        await peer.tell("alert", condition="hr.high", present=True, upper="120", signals=signals)
        await sink.wait(lambda s: any(isinstance(v, AlertSignal) for v in s.values))
        await peer.tell("alert", condition="hr.high", present=False, signals={"hr.high.aud": "Off"})
        await sink.wait(lambda s: any(isinstance(v, AlertSignal) and v.phase == "end" for v in s.values))
        alert = next(v for v in sink.values if isinstance(v, AlertSignal))
        assert (alert.phase, alert.state, alert.priority, alert.kind) == ("start", "active", "PM", "SP")
        assert (alert.value, alert.high, alert.source_code) == ("131", "120", 147842)

        await peer.tell("metrics", values={"hr": "118"})
        await sink.wait(lambda s: said(s, "118"))
        assert next(v for v in sink.values if isinstance(v, Reading) and v.text == "118").high == "120"


async def test_patient_place_mode_and_modules() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address):
        await connected(sink)
        await peer.tell("place", unit="ICU", room="3", bed="B")
        await peer.tell("patient", family="Testmann", given="Erika", number="0815", birth="1960-01-02")
        await sink.wait(lambda s: any(isinstance(v, SubjectHint) and v.family for v in s.values))
        hint = [v for v in sink.values if isinstance(v, SubjectHint)][-1]
        assert hint == SubjectHint(("urn:oid:2.25.77|0815",), "Testmann", "Erika", "1960-01-02", "F", place="ICU^3^B")
        await peer.tell("discharge")
        await sink.wait(lambda s: any(isinstance(v, SubjectHint) and v.unknown for v in s.values))
        await peer.tell("mode", mode="Dmo")
        await peer.tell("metrics", values={"hr": "61"})
        await sink.wait(lambda s: said(s, "61"))
        shown = next(v for v in sink.values if isinstance(v, Reading) and v.text == "61")
        assert shown.quality & Quality.DEMO
        await peer.tell("battery", remaining="1.0", status="DisChB")
        await sink.wait(lambda s: bool(events(s, "battery")))
        assert (events(sink, "battery")[-1].value, events(sink, "battery")[-1].text) == ("25", "on battery")
        await peer.tell("remove", handle="vent.vmd")
        await sink.wait(lambda s: bool(events(s, "module_removed")))


async def test_found_by_discovery() -> None:
    sink = RecordingSink()
    async with Peer("--discovery") as peer:
        found = await asyncio.to_thread(find, "127.0.0.1", 1.5)
        assert peer.epr in {one.epr for one in found}
        async with linked(sink, adapter="127.0.0.1", epr=peer.epr):
            await connected(sink)
            assert sink.batches[0].device == peer.epr


async def test_reconnect_after_kill_9() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address, timeout=2, quiet=1) as driver:
        await connected(sink)
        await peer.kill()
        await sink.wait(lambda s: bool(events(s, "disconnected")))
        assert driver.health().state != "down"
        again = Peer("--port", peer.address.rpartition(":")[2].partition("/")[0], epr=peer.uuid)
        async with again:
            assert again.address == peer.address
            await sink.wait(lambda s: len(events(s, "connected")) == 2, 30)
            await again.tell("metrics", values={"hr": "75"})
            await sink.wait(lambda s: said(s, "75"))
            assert driver.health().state == "up"


async def test_reconnect_when_the_provider_says_goodbye() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address, timeout=2, quiet=1):
        await connected(sink)
        await peer.tell("stop")
        await sink.wait(lambda s: bool(events(s, "disconnected")))


async def test_a_new_sequence_reads_everything_again() -> None:
    sink = RecordingSink()
    async with Peer() as peer, linked(sink, address=peer.address) as driver:
        await connected(sink)
        await peer.tell("metrics", values={"hr": "70"})
        await sink.wait(lambda s: said(s, "70"))
        await peer.tell("sequence")
        await peer.tell("metrics", values={"hr": "71"})
        await sink.wait(lambda s: said(s, "71"))
        assert sum("/Mdib@" in batch.control for batch in sink.batches) == 2
        assert driver.health().counts["resyncs"] == 1
        await peer.tell("metrics", values={"hr": "72"})
        await sink.wait(lambda s: said(s, "72"))


async def test_overflow_is_counted_and_the_last_state_is_true() -> None:
    sink = SlowSink()
    async with Peer() as peer, linked(sink, address=peer.address, queue=8) as driver:
        sink.release()
        await connected(sink)
        sink.hold()
        for number in range(40):
            await peer.tell("metrics", values={"hr": str(100 + number)})
        sink.release()
        await sink.wait(lambda s: said(s, "139"))
        counts = driver.health().counts
        assert counts["dropped"] > 0
        assert counts["resyncs"] >= 1
        await peer.tell("metrics", values={"hr": "60"})
        await sink.wait(lambda s: said(s, "60"))
        assert driver.health().state == "up"


async def test_stopping_releases_threads_and_sockets() -> None:
    async with Peer() as peer:
        before, files = set(threading.enumerate()), -1
        for _ in range(2):
            sink = RecordingSink()
            async with linked(sink, address=peer.address):
                await connected(sink)
            left = {t for t in set(threading.enumerate()) - before if not t.name.startswith("asyncio_")}
            assert [t.name for t in left] == []
            now = len(os.listdir("/proc/self/fd"))
            assert files in (-1, now)
            files = now


def _certificates(folder: Path, name: str) -> None:
    """An authority, and certificates of a device and of ourselves."""
    now = datetime.datetime.now(datetime.UTC)

    def make(subject: str, issuer: str, signer: Any, public: Any, authority: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = make(name, name, ca_key, ca_key.public_key(), True)
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for who in ("device", "ours"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = make(who, name, ca_key, key.public_key(), False)
        (folder / f"{who}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / f"{who}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


async def test_mutual_tls(tmp_path: Path) -> None:
    _certificates(tmp_path / "ward", "ward authority")
    _certificates(tmp_path / "other", "another authority")
    ward, other = tmp_path / "ward", tmp_path / "other"
    files = {"certificate": str(ward / "ours.pem"), "private_key": str(ward / "ours.key")}
    async with Peer("--tls", str(ward)) as peer:
        assert peer.address.startswith("https://")
        sink = RecordingSink()
        async with linked(sink, address=peer.address, authority=str(ward / "ca.pem"), **files) as driver:
            await connected(sink)
            await peer.tell("metrics", values={"hr": "66"})
            await sink.wait(lambda s: said(s, "66"))
            threads = [t for t in threading.enumerate() if t.name.startswith("SubscrRecv")]
            assert threads
            assert driver.health().text == ""
        assert not any(thread.is_alive() for thread in threads)
        stranger = RecordingSink()
        clock = Pausing()
        options = {"address": peer.address, "authority": str(other / "ca.pem"), **files}
        async with linked(stranger, clock, **options) as driver, asyncio.timeout(20):
            await clock.paused.wait()
            assert "TLS" in driver.health().text
            assert driver.health().state == "waiting"
            assert stranger.batches == []


async def test_rotated_certificates_are_used_at_the_next_connection(tmp_path: Path) -> None:
    ward = tmp_path / "ward"
    _certificates(ward, "this year's authority")
    files = {
        "certificate": str(ward / "ours.pem"),
        "private_key": str(ward / "ours.key"),
        "authority": str(ward / "ca.pem"),
    }
    sink = RecordingSink()
    async with Peer("--tls", str(ward)) as peer:
        port = peer.address.rpartition(":")[2].partition("/")[0]
        async with linked(sink, address=peer.address, timeout=2, quiet=1, **files):
            await connected(sink)
            await peer.kill()
            await sink.wait(lambda s: bool(events(s, "disconnected")))
            _certificates(ward, "next year's authority")
            async with Peer("--tls", str(ward), "--port", port, epr=peer.uuid):
                await sink.wait(lambda s: len(events(s, "connected")) == 2, 30)


async def test_two_machines_of_one_provider(tmp_path: Path) -> None:
    """A gateway with two beds behind it: each machine has its own key and its own values."""
    document = etree.parse(HERE / "mdib.xml")
    description = document.getroot()[0][0]
    second = etree.fromstring(etree.tostring(description[0]))
    for element in second.iter():
        for name in ("Handle", "ConditionSignaled"):
            if element.get(name):
                element.set(name, f"b.{element.get(name)}")
        if str(element.tag).endswith("}Source"):
            element.text = f"b.{element.text}"
    description.append(second)
    document.write(tmp_path / "two.xml")
    sink = RecordingSink()
    async with Peer("--mdib", str(tmp_path / "two.xml")) as peer, linked(sink, address=peer.address):
        await sink.wait(lambda s: len(events(s, "connected")) == 2)
        assert {batch.device for batch in sink.batches} == {f"{peer.epr}/mds", f"{peer.epr}/b.mds"}
        await peer.tell("metrics", values={"b.hr": "81"})
        await sink.wait(lambda s: said(s, "81"))
        assert sink.batches[-1].device == f"{peer.epr}/b.mds"


@pytest.mark.skipif("WARDBRIDGE_SDC_MDIB" not in os.environ, reason="WARDBRIDGE_SDC_MDIB names no MDIB file")
async def test_a_foreign_mdib() -> None:
    """One of sdc11073's own MDIB files, which its wheel does not carry."""
    sink = RecordingSink()
    async with Peer("--mdib", os.environ["WARDBRIDGE_SDC_MDIB"]) as peer, linked(sink, address=peer.address):
        await connected(sink)
        assert sum(isinstance(v, Reading) for v in sink.values) > 0
        assert not any(code == "metric" for batch in sink.batches for code, _, _ in batch.problems)


async def test_a_stop_while_the_peer_is_being_lost_is_a_stop() -> None:
    sink = RecordingSink()
    for _ in range(3):
        async with Peer() as peer:
            context = DriverContext("test", {"address": peer.address, "timeout": 2, "quiet": 1}, SystemClock(), sink,
                                    structlog.get_logger("sdc"))  # fmt: skip
            task = asyncio.create_task(build(context).run())
            before = len(events(sink, "connected"))
            await sink.wait(lambda s, before=before: len(events(s, "connected")) > before)
            seen = len(events(sink, "disconnected"))
            await peer.kill()
            await sink.wait(lambda s, seen=seen: len(events(s, "disconnected")) > seen)
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
