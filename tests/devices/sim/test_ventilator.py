"""The ventilator as seen by sdc11073's own consumer, and its waves by a ruler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from sdc11073 import observableproperties
from sdc11073.consumer.consumerimpl import SdcConsumer
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.mdib.consumermdib import ConsumerMdib
from sdc11073.wsdiscovery import WSDiscovery

from wardbridge.devices.sim import ventilators
from wardbridge.devices.sim.cast import assemble
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.lungs import Lungs, Setting
from wardbridge.devices.sim.mdib import METRICS
from wardbridge.devices.sim.patient import Patient, Profile
from wardbridge.devices.sim.ventilator import Ventilator
from wardbridge.devices.sim.ventilators import fit_out

from .measure import peaks, per_minute
from .stage import START

VOLUME = Setting("A/C VC", 18, 430, 10, 50, 38)
PRESSURE = Setting("A/C PC", 18, 430, 10, 50, 38)


@pytest.mark.parametrize("setting", [VOLUME, PRESSURE], ids=["volume", "pressure"])
@pytest.mark.parametrize("kinked", [False, True])
def test_numerics_are_those_of_the_waves(setting: Setting, kinked: bool) -> None:
    lungs = Lungs(Patient(Profile(rr=18, machine=True), (1, 1)), setting)
    readings = lungs.readings(60.0, kinked)
    lungs = Lungs(Patient(Profile(rr=18, machine=True), (1, 1)), setting)
    times = np.arange(30 * 50, 60 * 50) / 50
    pressure, flow, co2 = lungs.waves(times, kinked)
    tops = peaks(co2, 50, 30.0, 1.5)
    assert readings.rate == pytest.approx(per_minute(tops, 50), rel=0.02)
    assert readings.peak == pytest.approx(float(pressure.max()), abs=1.0)
    assert readings.peep == pytest.approx(float(pressure.min()), abs=0.3)
    breathed_in = float(np.clip(flow, 0, None).sum()) / 50 / 60  # L in 30 s
    assert readings.minute == pytest.approx(breathed_in * 2, rel=0.08)
    assert readings.volume == pytest.approx(breathed_in * 2 / readings.rate * 1000, rel=0.08)
    assert readings.mean == pytest.approx(float(pressure.mean()), abs=0.5)
    assert readings.compliance == pytest.approx(setting.compliance, rel=0.02)


def test_a_kink_raises_the_pressure_or_takes_the_volume() -> None:
    patient = Patient(Profile(rr=18, machine=True), (1, 1))
    assert Lungs(patient, VOLUME).readings(60.0, True).peak > Lungs(patient, VOLUME).readings(60.0).peak + 10
    assert Lungs(patient, PRESSURE).readings(60.0, True).volume < 0.8 * Lungs(patient, PRESSURE).readings(60.0).volume
    nothing = Lungs(patient, VOLUME).readings(60.0, open_=True)
    assert nothing.volume == nothing.minute == 0.0


def test_both_processes_breathe_the_same_patient() -> None:
    ours, theirs = (assemble(WardConfig(seed=3), START).patients[2] for _ in range(2))
    for k in range(1, 60):
        ours.numerics(float(k))
        ours.ecg(np.arange(k * 250, k * 250 + 250) / 250)
    theirs.extend(59.0)
    last = {b.start: b for b in ours.breathing.breaths}
    shared = [b for b in theirs.breathing.breaths if b.start in last]
    assert len(shared) > 10
    assert all(last[b.start] == b for b in shared)


@dataclass
class Peer:
    """A consumer of one ventilator and what it was told."""

    ventilator: Ventilator
    consumer: SdcConsumer
    mdib: ConsumerMdib
    samples: dict[str, list[float]] = field(default_factory=dict)
    alerts: list[tuple[str, bool]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def waves(self, states: dict[str, Any]) -> None:
        with self.news:
            for handle, state in states.items():
                self.samples.setdefault(handle, []).extend(float(v) for v in state.MetricValue.Samples)
            self.news.notify_all()

    def alarmed(self, states: dict[str, Any]) -> None:
        with self.news:
            self.alerts += [(h, s.Presence) for h, s in states.items() if s.is_alert_condition]
            self.news.notify_all()

    def value(self, handle: str) -> Any:
        return self.mdib.states.descriptor_handle.get_one(handle).MetricValue.Value

    def until(self, ready: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(ready, 10.0)


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """Bed 2's ventilator, found by WS-Discovery, every message checked against the BICEPS schema."""
    cast = assemble(WardConfig(beds=2, seed=6), START)
    discovery: Any = WSDiscovery("127.0.0.1")
    discovery.start()
    looking: Any = WSDiscovery("127.0.0.1")
    looking.start()
    ventilators = fit_out(cast, discovery, validate=True)
    ventilator = ventilators[1]
    consumer = None
    try:
        ventilator.begin()
        deadline = time.monotonic() + 15
        found: list[Any] = []
        while not found and time.monotonic() < deadline:
            services = looking.search_services(types=SdcV1Definitions.MedicalDeviceTypesFilter, timeout=1)
            found = [s for s in services if s.epr == ventilator.epr.urn]
        consumer = SdcConsumer.from_wsd_service(found[0], ssl_context_container=None)
        consumer.start_all()
        mdib = ConsumerMdib(consumer)
        mdib.init_mdib()
        peer = Peer(ventilator, consumer, mdib)
        observableproperties.bind(mdib, waveform_by_handle=peer.waves, alert_by_handle=peer.alarmed)
        yield peer
    finally:
        if consumer is not None:
            consumer.stop_all()
        ventilator.end()
        looking.stop()
        discovery.stop()


def test_a_consumer_sees_the_whole_machine(peer: Peer) -> None:
    codes = {d.Type.Code: d.Handle for d in peer.mdib.descriptions.objects if d.Type is not None}
    assert {str(metric.code) for metric in METRICS} <= set(codes)
    locations = [s for s in peer.mdib.context_states.objects if s.NODETYPE.localname == "LocationContextState"]
    detail = locations[0].LocationDetail
    assert (detail.PoC, detail.Room, detail.Bed) == ("ICU", "02", "02")
    mds = peer.mdib.descriptions.handle.get_one("mds")
    assert {spec.ProductionSpec for spec in mds.ProductionSpecification} >= {"Halden", peer.ventilator.who.serial}


def test_metrics_and_waves_arrive(peer: Peer) -> None:
    peer.ventilator.publish(60.0)
    for k in range(20):
        peer.ventilator.stream(60.0 + k * 0.5)
    peer.until(lambda: len(peer.samples.get("co2_wave", [])) >= 19 * 25)
    assert float(peer.value("rate_set")) == 22
    assert float(peer.value("oxygen_set")) == 65
    assert float(peer.value("oxygen")) == pytest.approx(65, abs=1)
    pressure = np.array(peer.samples["paw_wave"])
    assert float(peer.value("peak")) == pytest.approx(pressure.max(), abs=1.0)
    assert per_minute(peaks(np.array(peer.samples["co2_wave"]), 50, 30.0, 1.2), 50) == pytest.approx(22, rel=0.05)
    assert float(peer.value("rate")) == 22


def test_the_scripted_pressure_alarm_comes_and_goes(peer: Peer) -> None:
    for t in (149.0, 152.0, 154.0, 190.0):  # scripted from 150 to 186
        peer.ventilator.publish(t)
    peer.until(lambda: ("high_pressure", False) in peer.alerts)
    assert [p for handle, p in peer.alerts if handle == "high_pressure"] == [True, False]
    assert not any(present for handle, present in peer.alerts if handle == "disconnect")


@pytest.mark.parametrize("status_every", [0.0, 60.0])
def test_between_reports_the_process_rests(status_every: float) -> None:
    """With and without a status line the loop must wait and not spin."""

    class Counting(threading.Event):
        waits: ClassVar[list[float]] = []

        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            self.waits.append(timeout)
            if len(self.waits) > 5:
                self.set()
            return self.is_set()

    cast = assemble(WardConfig(beds=1), START)
    Counting.waits.clear()
    ventilators._loop(cast, [Quiet()], Counting(), status_every)  # type: ignore[list-item]
    assert sum(timeout > 0.05 for timeout in Counting.waits) >= 4


class Quiet:
    """Stands where a provider would; what is tested is the time between its calls."""

    present: ClassVar[dict[str, bool]] = {}

    def stream(self, _t: float) -> None:
        pass

    def publish(self, _t: float) -> None:
        pass
