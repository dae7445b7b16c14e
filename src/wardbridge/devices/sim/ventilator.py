"""The ventilator as an IEEE 11073 SDC provider: metrics, waves, alerts and contexts through sdc11073."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.httpserver.httprequesthandler import DispatchingRequestHandler
from sdc11073.location import SdcLocation
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType
from sdc11073.xml_types.pm_types import MeasurementValidity

from wardbridge.core.clock import SECOND
from wardbridge.devices.sim.fleet import endpoint
from wardbridge.devices.sim.lungs import Lungs, Readings
from wardbridge.devices.sim.machine import Identity
from wardbridge.devices.sim.mdib import ALARMS, METRICS, PERIOD, Alarm, ventilator
from wardbridge.devices.sim.people import MRN_SYSTEM, Person
from wardbridge.devices.sim.shapes import Floats

RESOLUTIONS: Final = {metric.handle: metric.resolution for metric in METRICS}
WAVES: Final = tuple(metric.handle for metric in METRICS if metric.kind == "W")
MEASURED: Final = {
    "rate": "rate", "rate_total": "rate", "peak": "peak", "plateau": "plateau", "mean": "mean",
    "peep": "peep", "volume": "volume", "minute": "minute", "compliance": "compliance",
    "oxygen": "oxygen", "etco2": "etco2",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What is wrong with the circuit right now."""

    kinked: bool = False
    open: bool = False


def no_delay() -> None:
    """Answer requests at once: header and body leave in two writes, and Nagle would hold the second."""
    DispatchingRequestHandler.disable_nagle_algorithm = True


class Ventilator:
    """One provider. ``lungs`` tells whose lungs it breathes (None: standby), ``fault`` what is wrong,
    both at a wall second; ``person`` is set where somebody entered the patient on its screen.

    All methods block for as long as sdc11073 takes to send; call them from a thread of their own.
    """

    def __init__(
        self,
        who: Identity,
        start: int,
        lungs: Callable[[float], Lungs | None],
        fault: Callable[[float], Fault],
        discovery: Any,
        person: Person | None = None,
        validate: bool = False,
    ) -> None:
        self.who = who
        self.epr = endpoint(who)
        self._start, self._lungs, self._fault, self._person = start, lungs, fault, person
        # sdc11073's own annotations of transactions do not hold; its objects are taken as they come.
        self.mdib: Any = ProviderMdib.from_string(ventilator(who), protocol_definition=SdcV1Definitions)
        self.provider = SdcProvider(
            discovery,
            ThisModelType(who.manufacturer, "http://halden.example", who.model, who.model.split()[-1]),
            ThisDeviceType(f"Ventilator bed {who.bed}", who.firmware, who.serial),
            self.mdib,
            epr=self.epr,
            validate=validate,
        )
        self.present: dict[str, bool] = {alarm.handle: False for alarm in ALARMS}
        self._waved = 0  # samples sent so far, counted from the ward's start
        self._set = False

    def begin(self) -> None:
        """Start serving and say hello."""
        self.provider.start_all(start_rtsample_loop=False)
        unit, room, bed = self.who.place.split("^")
        types = self.mdib.data_model.pm_types
        validators = [types.InstanceIdentifier("Validator", extension_string="System")]
        self.provider.set_location(SdcLocation(fac="SEAHILL", poc=unit, rm=room, bed=bed), validators)
        if self._person is not None:
            self._associate(self._person, types, validators)

    def end(self) -> None:
        """Say goodbye and stop every thread."""
        self.provider.stop_all()

    def publish(self, t: float) -> None:
        """Report the metrics at ``t``, and then the alerts that follow from them."""
        lungs, fault = self._lungs(t), self._fault(t)
        if lungs is None:
            return
        readings = lungs.readings(t, fault.kinked, fault.open)
        when = self._start / SECOND + t
        with self.mdib.metric_state_transaction() as report:
            if not self._set:
                self._settings(report, lungs, when)
            for handle, name in MEASURED.items():
                _put(report.get_state(handle), _decimal(handle, getattr(readings, name)), when)
        self._set = True
        self._alert(readings, fault)

    def stream(self, t: float) -> None:
        """Send the samples up to ``t`` that were not sent yet, at most the last second."""
        lungs, fault = self._lungs(t), self._fault(t)
        last = int(t / PERIOD)
        first = max(self._waved, last - int(1.0 / PERIOD))
        if lungs is None or last <= first:
            return
        times: Floats = np.arange(first, last, dtype=np.float64) * PERIOD
        self._waved = last
        waves = lungs.waves(times, fault.kinked, fault.open)
        when = self._start / SECOND + float(times[0])
        with self.mdib.rt_sample_state_transaction() as report:
            for handle, samples in zip(WAVES, waves, strict=True):
                state = report.get_state(handle)
                if state.MetricValue is None:
                    state.mk_metric_value()
                step = RESOLUTIONS[handle]
                whole = np.rint(samples / float(step)).astype(int).tolist()
                state.MetricValue.Samples = [Decimal(value) * Decimal(step) for value in whole]
                state.MetricValue.DeterminationTime = when
                state.MetricValue.MetricQuality.Validity = MeasurementValidity.VALID

    # inside

    def _settings(self, report: Any, lungs: Lungs, when: float) -> None:
        chosen = lungs.setting
        values = {
            "rate_set": chosen.rate, "peep_set": chosen.peep,
            "volume_set": chosen.volume, "oxygen_set": chosen.oxygen,
        }  # fmt: skip
        for handle, value in values.items():
            _put(report.get_state(handle), _decimal(handle, value), when)
        _put(report.get_state("mode"), chosen.mode, when)

    def _alert(self, readings: Readings, fault: Fault) -> None:
        for alarm in ALARMS:
            present = _presence(alarm, readings, fault)
            if present == self.present[alarm.handle]:
                continue
            self.present[alarm.handle] = present
            with self.mdib.alert_state_transaction() as report:
                self._switch(report, alarm, present)

    def _switch(self, report: Any, alarm: Alarm, present: bool) -> None:
        types = self.mdib.data_model.pm_types
        condition = report.get_state(alarm.handle)
        condition.Presence = present
        if alarm.low is not None or alarm.high is not None:
            condition.Limits = types.Range(
                lower=None if alarm.low is None else _plain(alarm.low),
                upper=None if alarm.high is None else _plain(alarm.high),
            )
        presence = types.AlertSignalPresence
        for way in ("vis", "aud"):
            signal = report.get_state(f"{alarm.handle}_{way}")
            signal.Presence = presence.ON if present else presence.OFF
        system = report.get_state("alerts")
        held = [each.handle for each in ALARMS if self.present[each.handle]]
        technical = {each.handle for each in ALARMS if each.kind == "Tec"}
        system.PresentTechnicalAlarmConditions = [handle for handle in held if handle in technical]
        system.PresentPhysiologicalAlarmConditions = [handle for handle in held if handle not in technical]

    def _associate(self, person: Person, types: Any, validators: list[Any]) -> None:
        with self.mdib.context_state_transaction() as report:
            state = report.mk_context_state("patient", set_associated=True)
            state.Validator = validators
            state.Identification = [types.InstanceIdentifier(MRN_SYSTEM, extension_string=person.mrn)]
            state.CoreData.Givenname = person.given
            state.CoreData.Familyname = person.family
            state.CoreData.Sex = types.Sex.FEMALE if person.sex == "female" else types.Sex.MALE


def _presence(alarm: Alarm, readings: Readings, fault: Fault) -> bool:
    if not alarm.source:
        return fault.open
    value: float = getattr(readings, alarm.source)
    return (alarm.high is not None and value > alarm.high) or (alarm.low is not None and value < alarm.low)


def _put(state: Any, value: Decimal | str, when: float) -> None:
    if state.MetricValue is None:
        state.mk_metric_value()
    state.MetricValue.Value = value
    state.MetricValue.DeterminationTime = when
    state.MetricValue.MetricQuality.Validity = MeasurementValidity.VALID


def _decimal(handle: str, value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(RESOLUTIONS[handle]))


def _plain(value: float) -> Decimal:
    return Decimal(f"{value:g}")
