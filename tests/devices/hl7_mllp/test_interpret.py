"""What one message means: precision, status, limits, times, places; and nothing ever raises."""

from __future__ import annotations

import random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from wardbridge.devices.drivers.hl7_mllp.interpret import Interpretation, interpret
from wardbridge.devices.drivers.hl7_mllp.memory import Memory
from wardbridge.devices.values import AlertSignal, DeviceEvent, Identity, Quality, Reading, SubjectHint, Waveform

from .test_wire import captured

NOW = 1_800_000_000_000_000
HEAD = "MSH|^~\\&|GW^00A0^EUI-64|||S|20260101120000+0000||ORU^R01^ORU_R01|1|{p}|2.6|||AL|NE"
OBR = "OBR|1||1|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{t}|{e}"


def report(*rows: str, p: str = "P", t: str = "20260101115900+0000", e: str = "") -> Interpretation:
    text = "\r".join([HEAD.format(p=p), OBR.format(t=t, e=e), *rows]) + "\r"
    return interpret(text.encode(), NOW)


def readings(found: Interpretation) -> list[Reading]:
    return [value for value in found.values if isinstance(value, Reading)]


def only(*rows: str, **more: str) -> Reading:
    (reading,) = readings(report(*rows, **more))
    return reading


HR = "OBX|1|NM|147842^MDC_ECG_CARD_BEAT_RATE^MDC|1.1.1.1|{v}|264864^MDC_DIM_BEAT_PER_MIN^MDC|{lim}|{flags}|||{s}|||{t}"


def hr(v: str = "80", lim: str = "", flags: str = "", s: str = "R", t: str = "") -> str:
    return HR.format(v=v, lim=lim, flags=flags, s=s, t=t)


@pytest.mark.parametrize("text", ["120", "120.0", "120.00", "-0.50", ".5", "+7", "1e3", "007"])
def test_digits_are_kept_as_written(text: str) -> None:
    reading = only(hr(text))
    assert reading.text == text
    assert reading.number == float(text)


@pytest.mark.parametrize(
    ("text", "quality", "problems"),
    [
        ("<5", Quality.UNDERFLOW, 0),
        (">400", Quality.OVERFLOW, 0),
        ('""', Quality.UNAVAILABLE, 0),
        ("", Quality.UNAVAILABLE, 0),
        ("n/a", Quality.GOOD, 1),
        ("nan", Quality.GOOD, 1),
        ("inf", Quality.GOOD, 1),
        ("1_000", Quality.GOOD, 1),
        ("8 0", Quality.GOOD, 1),
    ],
)
def test_what_is_no_number_stays_text(text: str, quality: Quality, problems: int) -> None:
    found = report(hr(text))
    (reading,) = readings(found)
    assert (reading.text, reading.number, reading.quality) == (text, None, quality)
    assert len(found.problems) == problems


@pytest.mark.parametrize(
    ("flags", "status", "quality"),
    [
        ("", "R", Quality.GOOD),
        ("H~PH~SP", "F", Quality.GOOD),
        ("TEST", "R", Quality.TEST),
        ("DEMO~QUES", "R", Quality.DEMO | Quality.QUESTIONABLE),
        ("CAL", "R", Quality.CALIBRATING),
        ("INV", "X", Quality.INVALID),
        ("VAL", "F", Quality.VALIDATED),
        ("", "C", Quality.CORRECTED),
        ("", "W", Quality.WRONG_PATIENT),
        ("", "D", Quality.CORRECTED | Quality.INVALID),
        ("ALINH", "", Quality.ALARM_INHIBITED),
    ],
)
def test_status_becomes_quality(flags: str, status: str, quality: Quality) -> None:
    found = report(hr(flags=flags, s=status))
    assert readings(found)[0].quality == quality
    assert found.problems == ()


@pytest.mark.parametrize(("processing", "quality"), [("D", Quality.TEST), ("T", Quality.DEMO), ("P", Quality.GOOD)])
def test_no_production_data_marks_every_value(processing: str, quality: Quality) -> None:
    assert only(hr(), p=processing).quality == quality


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("50-120", "50", "120"), ("75 - 90", "75", "90"), ("<500", "", "500"), ("< -200", "", "-200"),
        (">=8", "8", ""), ("-5--1", "-5", "-1"), ("0.5-1.25", "0.5", "1.25"), ("", "", ""),
    ],
)  # fmt: skip
def test_alarm_limits(text: str, low: str, high: str) -> None:
    reading = only(hr(lim=text))
    assert (reading.low, reading.high) == (low, high)


def test_odd_fields_are_reported_with_their_place_and_kept() -> None:
    found = report(
        hr(), hr(lim="about 5", flags="WHAT", s="?", t="yesterday").replace("264864^MDC_DIM_BEAT_PER_MIN", "1^X")
    )
    assert {(p.where, p.code) for p in found.problems} == {
        ("OBX[2]-6", "103"), ("OBX[2]-7", "102"), ("OBX[2]-8", "103"), ("OBX[2]-11", "103"), ("OBX[2]-14", "102"),
    }  # fmt: skip
    assert readings(found)[1].text == "80"


def test_times_own_inherited_and_of_the_order() -> None:
    rows = (
        "OBX|1||70686^MDC_DEV_PRESS_BLD_NONINV_VMD^MDC|1.2.0.0|||||||X",
        "OBX|2||70687^MDC_DEV_PRESS_BLD_NONINV_CHAN^MDC|1.2.1.0|||||||X|||20260101115000+0000",
        "OBX|3|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.2.1.1|120|266016^MDC_DIM_MMHG^MDC|||||R",
        "OBX|4|NM|150022^MDC_PRESS_BLD_NONINV_DIA^MDC|1.2.1.2|80|266016^MDC_DIM_MMHG^MDC|||||R|||20260101115100",
        hr(),
    )
    inherited, own, order = readings(report(*rows, e="20260101115930+0000"))
    minute = 60_000_000
    assert own.device_time - inherited.device_time == minute
    assert (inherited.end_time, own.end_time) == (0, 0)
    assert order.device_time - own.device_time == 8 * minute
    assert order.end_time - order.device_time == minute // 2


@pytest.mark.parametrize(
    ("code", "expected", "problem"),
    [
        ("150456^MDC_PULS_OXIM_SAT_O2^MDC", (150456, "MDC_PULS_OXIM_SAT_O2", "MDC"), False),
        ("150456", (150456, "MDC_PULS_OXIM_SAT_O2", "MDC"), False),
        ("150456^MDC_TEMP^MDC", (150456, "MDC_TEMP", "MDC"), True),
        ("0^MDC_PULS_OXIM_SAT_O2^MDC", (150456, "MDC_PULS_OXIM_SAT_O2", "MDC"), True),
        ("999999^MDCX_NEW^MDC", (999999, "MDCX_NEW", "MDC"), True),
        ("16929196^MDC_VENT_VOL_TIDAL_SETTING^MDC", (16929196, "MDC_VENT_VOL_TIDAL_SETTING", "MDC"), False),
        ("8867-4^Heart rate^LN", (0, "8867-4", "LN"), False),
        ("HR^Pulse", (0, "HR", ""), True),
    ],
)
def test_codes_are_kept_and_doubts_reported(code: str, expected: tuple[int, str, str], problem: bool) -> None:
    found = report(hr().replace("147842^MDC_ECG_CARD_BEAT_RATE^MDC", code), hr())
    reading = readings(found)[0]
    assert (reading.code, reading.refid, reading.system) == expected
    assert ([p.where for p in found.problems] == ["OBX[1]-3"]) is problem


def test_channels_hold_when_obx_4_is_numbered_anew() -> None:
    def at(vmd: int, chan: int, first: int) -> list[str]:
        rows = (
            f"OBX|1||69902^MDC_DEV_METER_TEMP_VMD^MDC|1.{vmd}.0.0|||||||X",
            f"OBX|2||69903^MDC_DEV_METER_TEMP_CHAN^MDC|1.{vmd}.{chan}.0|||||||X",
            f"OBX|3|NM|150344^MDC_TEMP^MDC|1.{vmd}.{chan}.{first}|37|268192^MDC_DIM_DEGC^MDC|||||R",
            f"OBX|4|NM|150344^MDC_TEMP^MDC|1.{vmd}.{chan}.{first + 1}|33|268192^MDC_DIM_DEGC^MDC|||||R",
        )
        return [reading.channel for reading in readings(report(*rows))]

    assert at(1, 1, 1) == at(7, 3, 20) == ["69902/69903/150344", "69902/69903/150344#2"]


def test_two_machines_in_one_message_are_two_parts() -> None:
    def machine(key: str, value: str) -> tuple[str, ...]:
        return (
            f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{key}^^^",
            hr(value),
        )

    found = report(*machine("A", "70"), OBR.format(t="20260101115900", e=""), *machine("B", "90"))
    assert [part.device for part in found.parts] == ["A", "B"]
    assert [r.text for r in readings(found)] == ["70", "90"]


def test_the_machine_is_named_by_the_best_that_the_wire_gives() -> None:
    row = hr() + "||||PUMP9^^00AA^EUI-64"
    assert report(row).parts[0].device == "PUMP9@00AA"
    assert report(hr()).parts[0].device == "00A0"
    text = "\r".join(
        [HEAD.format(p="P").replace("^00A0^EUI-64", ""), "PV1||I|ICU^1^4", OBR.format(t="2026", e=""), hr()]
    )
    assert interpret(text.encode(), NOW).parts[0].device == "GW@ICU^1^4"
    prt = hr() + "\rPRT|1||UC||||||EQUIP|DEV77^^00BB^EUI-64"
    assert report(prt).parts[0].device == "DEV77@00BB"


def test_unknown_patients_are_said_to_be_unknown() -> None:
    text = "\r".join([HEAD.format(p="P"), "PID|||||Unknown Patient" + "|" * 26 + "Y", OBR.format(t="2026", e=""), hr()])
    (hint,) = [v for v in interpret(text.encode(), NOW).values if isinstance(v, SubjectHint)]
    assert hint == SubjectHint(unknown=True)


def test_facets_follow_their_metric() -> None:
    rows = (hr(), "OBX|2|NM|68185^MDC_ATTR_TIME_PD_MSMT_ACTIVE^MDC|1.1.1.1.1|12|264320^MDC_DIM_SEC^MDC|||||R")
    metric, facet = readings(report(*rows))
    assert facet.channel == f"{metric.channel}/68185"
    assert facet.kind == "facet"


def test_samples_beyond_16_bits_are_scaled_and_reported() -> None:
    row = "OBX|1|NA|131330^MDC_ECG_ELEC_POTL_II^MDC|1.1.1.1|0^100000^-100000|266418^MDC_DIM_MILLI_VOLT^MDC|||||R"
    found = report(row, t="20260101120000", e="20260101120003")
    (wave,) = [v for v in found.values if isinstance(v, Waveform)]
    steps = [int.from_bytes(wave.samples[i : i + 2], "little", signed=True) for i in (0, 2, 4)]
    assert [round(s * wave.scale + wave.offset, -1) for s in steps] == [0, 100000, -100000]
    assert "rounded" in found.problems[0].what


def test_samples_without_a_rate_stay_text() -> None:
    row = "OBX|1|NA|131330^MDC_ECG_ELEC_POTL_II^MDC|1.1.1.1|1^2^3||||||R"
    found = report(row)
    assert [(r.kind, r.text) for r in readings(found)] == [("samples", "1^2^3")]


def test_a_laboratory_result_is_not_taken_for_a_device() -> None:
    row = "OBX|1|NM|2345-7^Glucose^LN||99|mg/dL|||||F"
    text = "\r".join([HEAD.format(p="P"), "OBR|1||1|2345-7^Glucose^LN|||20260101115900", row])
    assert interpret(text.encode(), NOW).reason == "profile-not-interpreted"


@pytest.mark.parametrize("raw", [b"", b"junk", b"MSH", b"PID|1"])
def test_bytes_without_a_header_are_unreadable(raw: bytes) -> None:
    found = interpret(raw, NOW)
    assert (found.reason, found.parts) == ("unreadable", ())
    assert found.problems


ALARM = "OBX|{n}|ST|{code}^{name}^MDC|1.3.1.150456.{n}|{value}|||{flags}|||R"


def alarm(*, new: bool, p: str = "P") -> Interpretation:
    rows = [
        ALARM.format(n=1, code=196670, name="MDC_EVT_LO", value="Low", flags="" if new else "L~PH~SP"),
        "OBX|2|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.3.1.150456.2|88|262688^MDC_DIM_PERCENT^MDC|90-96||||R",
        ALARM.format(n=3, code=68481, name="MDC_ATTR_EVENT_PHASE", value="start", flags=""),
        ALARM.format(n=4, code=68482, name="MDC_ATTR_ALARM_STATE", value="active", flags=""),
        ALARM.format(n=5, code=68483, name="MDC_ATTR_ALARM_INACTIVATION_STATE", value="enabled", flags=""),
    ]
    if new:
        rows += [
            ALARM.format(n=6, code=68484, name="MDC_ATTR_ALARM_PRIORITY", value="PH", flags=""),
            ALARM.format(n=7, code=68485, name="MDC_ATTR_ALERT_TYPE", value="SP", flags=""),
        ]
    head = HEAD.format(p=p).replace("ORU^R01^ORU_R01", "ORU^R40^ORU_R40")
    text = "\r".join([head, "OBR|1||7^GW|196616^MDC_EVT_ALARM^MDC|||20260101120000", *rows])
    return interpret(text.encode(), NOW)


def test_alarms_mean_the_same_in_both_forms() -> None:
    (new,), (old,) = ([v for v in alarm(new=n).values if isinstance(v, AlertSignal)] for n in (True, False))
    assert new == old
    assert (new.priority, new.kind, new.phase, new.state) == ("PH", "SP", "start", "active")
    assert (new.source_code, new.value, new.low, new.high) == (150456, "88", "90", "96")


def test_an_alarm_that_is_no_production_data_is_announced_as_such() -> None:
    events = [v for v in alarm(new=True, p="T").values if isinstance(v, DeviceEvent)]
    assert [(e.name, e.code) for e in events] == [("mode", "T")]


def test_an_alarm_over_its_life_keeps_its_id() -> None:
    memory = Memory()
    signals = [
        v for raw in captured("alarm") for v in interpret(raw, NOW, memory=memory).values if isinstance(v, AlertSignal)
    ]
    assert len({s.alert_id for s in signals}) == 1
    assert len({s.event_id for s in signals}) == 3
    assert [s.heartbeat for s in signals] == [False, True, False]
    assert signals[1].inactivation == ("audio-paused", "alert-acknowledged")


ALL = [
    raw
    for name in ("monitor", "monitor_demo", "repeats", "waveform", "pumps", "alarm", "other")
    for raw in captured(name)
]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(ALL)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        what = draw(
            st.sampled_from(
                [b"|", b"^", b"~", b"&", b"\\", b"\r", b"\n", b"0", b"9" * 30, b"", b"OBX|", b'""', b"\xff"]
            )
        )
        data[at : at + draw(st.integers(0, 20))] = what
    return bytes(data)


@settings(max_examples=200)
@given(broken(), st.lists(st.sampled_from(ALL), max_size=3))
def test_broken_messages_never_raise_and_memory_never_changes_the_meaning(raw: bytes, before: list[bytes]) -> None:
    memory = Memory()
    for message in before:
        interpret(message, NOW, memory=memory)
    first = interpret(raw, NOW, memory=memory)
    assert first.reason != "failed", first.problems
    assert interpret(raw, NOW, memory=memory) == first == interpret(raw, NOW)


def monitor(rng: random.Random, second: int) -> bytes:
    """A report of a monitor that mostly repeats itself and sometimes does not."""
    stamp = f"202601011200{second:02d}+0000"
    own = rng.choice([stamp, stamp, stamp, f"202601011159{second:02d}+0000", ""])

    def value() -> str:
        odd = ["80", "81.5", "", " ", "<5", "x", "a\\F\\b", "1_0", "nan"]
        return rng.choice(odd if rng.random() < 0.1 else ["7", "8.25"])

    rows = [
        HEAD.format(p="D" if rng.random() < 0.05 else "P").replace("20260101120000+0000", stamp),
        OBR.format(t=stamp, e=""),
        "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||M^^00^EUI-64",
    ]
    for n in range(rng.choice([4, 4, 4, 3])):
        kind = "ST" if n == 3 else "NM"
        limit = rng.choice(["50-90"] * 12 + ["40-90"])
        before = f"OBX|{n + 2}|{kind}|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1.1.{n + 1}"
        rows.append(f"{before}|{value()}|262688^MDC_DIM_PERCENT^MDC|{limit}||||R|||{own}")
    if rng.random() < 0.05:
        rows.append("NTE|1||a note")
    return ("\r".join(rows) + "\r").encode()


@given(st.integers(0, 2**32))
def test_shapes_read_what_the_full_reading_reads(seed: int) -> None:
    rng, memory = random.Random(seed), Memory()
    for second in range(20):
        raw = monitor(rng, second)
        assert interpret(raw, NOW, memory=memory) == interpret(raw, NOW)


def test_every_machine_gets_an_identity() -> None:
    for raw in ALL:
        for part in interpret(raw, NOW).parts:
            keys = [v.key for v in part.values if isinstance(v, Identity)]
            assert keys[0] == part.device
