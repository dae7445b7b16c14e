"""The ventilator's MDIB as XML (IEEE 11073-10207 MdDescription), made from a table of its metrics and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from wardbridge.devices.sim.machine import Identity

PM: Final = "http://standards.ieee.org/downloads/11073/11073-10207-2017/participant"
MSG: Final = "http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
PERIOD: Final = 0.02  # s between the samples of a wave


@dataclass(frozen=True)
class Metric:
    """One metric. ``kind``: N (numeric), S (string), W (wave); ``category`` Msrmt, Set or Clc."""

    handle: str
    channel: str
    code: int
    refid: str
    unit: tuple[int, str]
    kind: str = "N"
    category: str = "Msrmt"
    resolution: str = "0.1"


@dataclass(frozen=True)
class Alarm:
    """One alert condition: its event, the metric it watches (empty for technical ones), limits."""

    handle: str
    code: int
    refid: str
    kind: str
    priority: str
    source: str
    text: str
    low: float | None = None
    high: float | None = None


CM_H2O: Final = (266048, "MDC_DIM_CM_H2O")
PER_MIN: Final = (264928, "MDC_DIM_RESP_PER_MIN")
ML: Final = (263762, "MDC_DIM_MILLI_L")
L_MIN: Final = (265216, "MDC_DIM_L_PER_MIN")
PERCENT: Final = (262688, "MDC_DIM_PERCENT")
MMHG: Final = (266016, "MDC_DIM_MMHG")
ML_CM_H2O: Final = (268050, "MDC_DIM_MILLI_L_PER_CM_H2O")
NONE: Final = (262656, "MDC_DIM_DIMLESS")

# handle of the channel: type code, reference id
CHANNELS: Final = {
    "breathing": (70003, "MDC_DEV_SYS_PT_VENT_CHAN"),
    "pressure": (69707, "MDC_DEV_ANALY_PRESS_AWAY_CHAN"),
    "flow": (69667, "MDC_DEV_ANALY_FLOW_AWAY_CHAN"),
    "oxygen": (70703, "MDC_DEV_O2_CHAN"),
    "co2": (69635, "MDC_DEV_CHAN"),
}
METRICS: Final = (
    Metric("rate", "breathing", 151586, "MDC_VENT_RESP_RATE", PER_MIN, resolution="1"),
    Metric("rate_total", "breathing", 152490, "MDC_VENT_RESP_BTSD_PSAZC_RATE", PER_MIN, resolution="1"),
    Metric(
        "rate_set", "breathing", 16928802, "MDC_VENT_RESP_RATE_SETTING", PER_MIN, category="Set", resolution="1"
    ),
    Metric("mode", "breathing", 184352, "MDC_VENT_MODE", NONE, kind="S", category="Set"),
    Metric("peak", "pressure", 151973, "MDC_VENT_PRESS_AWAY_MAX", CM_H2O),
    Metric("plateau", "pressure", 151784, "MDC_PRESS_RESP_PLAT", CM_H2O),
    Metric("mean", "pressure", 151975, "MDC_VENT_PRESS_AWAY_MEAN", CM_H2O),
    Metric("peep", "pressure", 151976, "MDC_VENT_PRESS_AWAY_END_EXP_POS", CM_H2O),
    Metric(
        "peep_set", "pressure", 16929192, "MDC_VENT_PRESS_AWAY_END_EXP_POS_SETTING", CM_H2O, category="Set"
    ),
    Metric("paw_wave", "pressure", 151972, "MDC_VENT_PRESS_AWAY", CM_H2O, kind="W", resolution="0.1"),
    Metric("volume", "flow", 151980, "MDC_VENT_VOL_TIDAL", ML, resolution="1"),
    Metric("volume_set", "flow", 16929196, "MDC_VENT_VOL_TIDAL_SETTING", ML, category="Set", resolution="1"),
    Metric("minute", "flow", 152004, "MDC_VENT_VOL_MINUTE_INSP", L_MIN, resolution="0.01"),
    Metric("compliance", "flow", 151692, "MDC_COMPL_LUNG_DYN", ML_CM_H2O, category="Clc", resolution="1"),
    Metric("flow_wave", "flow", 151940, "MDC_VENT_FLOW", L_MIN, kind="W", resolution="0.1"),
    Metric("oxygen", "oxygen", 152196, "MDC_CONC_AWAY_O2_INSP", PERCENT),
    Metric(
        "oxygen_set", "oxygen", 16928936, "MDC_VENT_CONC_AWAY_O2_SETTING", PERCENT, category="Set", resolution="1"
    ),
    Metric("etco2", "co2", 151708, "MDC_CONC_AWAY_CO2_ET", MMHG, resolution="1"),
    Metric("co2_wave", "co2", 151700, "MDC_CONC_AWAY_CO2", MMHG, kind="W", resolution="0.1"),
)  # fmt: skip
ALARMS: Final = (
    Alarm("high_pressure", 196648, "MDC_EVT_HI", "Phy", "Hi", "peak", "Airway pressure high", high=40.0),
    Alarm("low_minute", 196670, "MDC_EVT_LO", "Phy", "Me", "minute", "Minute volume low", low=3.0),
    Alarm("disconnect", 197172, "MDC_EVT_VENT_DISCONN", "Tec", "Hi", "", "Patient circuit disconnected"),
)


def ventilator(who: Identity) -> bytes:
    """The MDIB document of one ventilator."""
    facts = (
        ("manufacturer", 531970, who.manufacturer), ("model", 531969, who.model),
        ("serial", 531972, who.serial), ("software", 531975, who.firmware), ("hardware", 531974, who.hardware),
    )  # fmt: skip
    specs = "".join(
        f"<pm:ProductionSpecification><pm:SpecType Code={quoteattr(str(code))}>"
        f'<pm:ConceptDescription Lang="en">{name}</pm:ConceptDescription></pm:SpecType>'
        f"<pm:ProductionSpec>{_escaped(value)}</pm:ProductionSpec></pm:ProductionSpecification>"
        for name, code, value in facts
    )
    meta = (
        f'<pm:MetaData><pm:Manufacturer Lang="en">{_escaped(who.manufacturer)}</pm:Manufacturer>'
        f'<pm:ModelName Lang="en">{_escaped(who.model)}</pm:ModelName>'
        f"<pm:ModelNumber>{_escaped(who.model.split()[-1])}</pm:ModelNumber>"
        f"<pm:SerialNumber>{_escaped(who.serial)}</pm:SerialNumber></pm:MetaData>"
    )
    context = (
        '<pm:SystemContext Handle="context"><pm:PatientContext Handle="patient"/>'
        '<pm:LocationContext Handle="location"/></pm:SystemContext>'
    )
    channels = "".join(_channel(handle) for handle in CHANNELS)
    body = (
        f'<pm:Mds Handle="mds">{_type(70001, "MDC_DEV_SYS_PT_VENT_MDS")}{specs}{_alarms()}{meta}{context}'
        f'<pm:Clock Handle="clock"/><pm:Battery Handle="battery"/>'
        f'<pm:Vmd Handle="vmd">{_type(70002, "MDC_DEV_SYS_PT_VENT_VMD")}{channels}</pm:Vmd></pm:Mds>'
    )
    document = (
        f'<msg:GetMdibResponse xmlns:msg="{MSG}" xmlns:pm="{PM}" xmlns:xsi="{XSI}" MdibVersion="0"'
        f' SequenceId="urn:uuid:00000000-0000-4000-8000-{who.eui[-12:].lower()}">'
        f'<msg:Mdib MdibVersion="0" SequenceId="urn:uuid:00000000-0000-4000-8000-{who.eui[-12:].lower()}">'
        f"<pm:MdDescription>{body}</pm:MdDescription></msg:Mdib></msg:GetMdibResponse>"
    )
    return document.encode()


def _type(code: int, refid: str, tag: str = "Type") -> str:
    return f'<pm:{tag} Code="{code}" SymbolicCodeName="{refid}"/>'


def _channel(handle: str) -> str:
    code, refid = CHANNELS[handle]
    metrics = "".join(_metric(metric) for metric in METRICS if metric.channel == handle)
    return f'<pm:Channel Handle="{handle}_chan">{_type(code, refid)}{metrics}</pm:Channel>'


def _metric(metric: Metric) -> str:
    kinds = {"N": "NumericMetric", "S": "StringMetric", "W": "RealTimeSampleArrayMetric"}
    special = ""
    if metric.kind != "S":
        special = f' Resolution="{metric.resolution}"'
    if metric.kind == "W":
        special += f' SamplePeriod="PT{PERIOD:g}S"'
    return (
        f'<pm:Metric xsi:type="pm:{kinds[metric.kind]}Descriptor" Handle="{metric.handle}"'
        f' SafetyClassification="MedA" MetricCategory="{metric.category}" MetricAvailability="Cont"{special}>'
        f"{_type(metric.code, metric.refid)}{_type(*metric.unit, tag='Unit')}</pm:Metric>"
    )


def _alarms() -> str:
    conditions, signals = [], []
    for alarm in ALARMS:
        limits = alarm.low is not None or alarm.high is not None
        kind = "LimitAlertConditionDescriptor" if limits else "AlertConditionDescriptor"
        source = f"<pm:Source>{alarm.source}</pm:Source>" if alarm.source else "<pm:Source>vmd</pm:Source>"
        name = (
            f'<pm:Type Code="{alarm.code}" SymbolicCodeName="{alarm.refid}">'
            f'<pm:ConceptDescription Lang="en">{alarm.text}</pm:ConceptDescription></pm:Type>'
        )
        span = ""
        if limits:
            low = f' Lower="{alarm.low:g}"' if alarm.low is not None else ""
            high = f' Upper="{alarm.high:g}"' if alarm.high is not None else ""
            span = f"<pm:MaxLimits{low}{high}/>"
        conditions.append(
            f'<pm:AlertCondition xsi:type="pm:{kind}" Handle="{alarm.handle}" Kind="{alarm.kind}"'
            f' Priority="{alarm.priority}">{name}{source}{span}</pm:AlertCondition>'
        )
        signals += [
            f'<pm:AlertSignal Handle="{alarm.handle}_{way.lower()}" ConditionSignaled="{alarm.handle}"'
            f' Manifestation="{way}" Latching="false"/>'
            for way in ("Vis", "Aud")
        ]
    return f'<pm:AlertSystem Handle="alerts">{"".join(conditions)}{"".join(signals)}</pm:AlertSystem>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
