"""Metric values: exact text, quality, samples in 16 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from wardbridge.devices.drivers.sdc.describe import Node, metric_facts
from wardbridge.devices.drivers.sdc.mapping import PM, coded, duration, micros
from wardbridge.devices.drivers.sdc.metrics import pack, quality_of, reading, waveform
from wardbridge.devices.values import Quality

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def xml(text: str) -> etree._Element:
    return etree.fromstring(text.replace("<", "<", 1).replace(" ", f' xmlns="{PM}" {XSI} ', 1))


def node(descriptor: str, kind: str) -> Node:
    element = xml(descriptor)
    return Node("m", kind, "c", element, coded(element.find(f"{{{PM}}}Type")), "Metric")


NUMERIC = (
    '<Metric Handle="m" MetricCategory="Msrmt" Resolution="0.1"><Type Code="147842"/><Unit Code="264864"/></Metric>'
)
WAVE = (
    '<Metric Handle="m" MetricCategory="Msrmt" Resolution="0.005" SamplePeriod="PT0.004S">'
    '<Type Code="131330"/><Unit Code="266418"/></Metric>'
)


@pytest.mark.parametrize("text", ["72.50", "72", "0.0000001", "-3.10", "120.0"])
def test_digits_stay_as_written(text: str) -> None:
    state = xml(f'<State X="1"><MetricValue Value="{text}"><MetricQuality Validity="Vld"/></MetricValue></State>')
    hr = node(NUMERIC, "NumericMetric")
    told = reading(hr, metric_facts(hr), "1/2/3", state)
    assert told.text == text
    assert told.number == float(text)
    assert (told.refid, told.ucum, told.quality) == ("MDC_ECG_CARD_BEAT_RATE", "/min", 0)


@pytest.mark.parametrize(
    ("validity", "mode", "quality"),
    [
        ("Vld", "Real", Quality.GOOD),
        ("Vldated", "Real", Quality.VALIDATED),
        ("Qst", "Real", Quality.QUESTIONABLE),
        ("Calib", "Real", Quality.CALIBRATING),
        ("Inv", "Real", Quality.INVALID),
        ("Oflw", "Real", Quality.OVERFLOW),
        ("Uflw", "Real", Quality.UNDERFLOW),
        ("Vld", "Demo", Quality.DEMO),
        ("Vld", "Test", Quality.TEST),
        ("Vld", "Dreamt", Quality.QUESTIONABLE),
        ("Guess", "Real", Quality.QUESTIONABLE),
    ],
)
def test_validity_and_mode(validity: str, mode: str, quality: Quality) -> None:
    value = xml(f'<MetricValue Value="1"><MetricQuality Validity="{validity}" Mode="{mode}"/></MetricValue>')
    assert quality_of(None, value) == quality


def test_no_value_is_unavailable_not_zero() -> None:
    hr = node(NUMERIC, "NumericMetric")
    for body in ("", '<MetricValue><MetricQuality Validity="Ong"/></MetricValue>'):
        told = reading(hr, metric_facts(hr), "c", xml(f'<State X="1">{body}</State>'))
        assert told.number is None
        assert told.text == ""
        assert told.quality & Quality.UNAVAILABLE


@pytest.mark.parametrize(
    ("text", "resolution", "scale", "offset"),
    [
        ("0.005 -0.010 1.2", 0.005, 0.005, 0.0),
        ("0.0012 0.5", 0.005, 0.0001, 0.0),
        ("1000 1001", 0.0, 1.0, 0.0),
        ("40000 40020", 1.0, 1.0, 40010.0),
    ],
)
def test_samples_are_exact_where_16_bits_hold_them(text: str, resolution: float, scale: float, offset: float) -> None:
    samples, got, shift = pack(text, resolution)
    assert (got, shift) == (pytest.approx(scale), offset)
    back = np.frombuffer(samples, "<i2") * got + shift
    assert np.allclose(back, [float(word) for word in text.split()], rtol=0, atol=1e-9)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.decimals(-10_000_000, 10_000_000, places=3), min_size=1, max_size=40))
def test_samples_are_never_off_by_more_than_half_a_step(values: list[object]) -> None:
    numbers = [float(str(value)) for value in values]
    samples, scale, offset = pack(" ".join(f"{number:.3f}" for number in numbers), 0.0)
    back = np.frombuffer(samples, "<i2") * scale + offset
    assert len(back) == len(numbers)
    assert np.abs(back - np.array(numbers)).max() <= max(scale * 0.51, 1e-6)


@pytest.mark.parametrize("text", ["1 two 3", "NaN 1", "INF"])
def test_samples_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sample"):
        pack(text, 1.0)


def test_a_wave_without_period_is_refused_and_an_empty_one_is_nothing() -> None:
    state = xml('<State StateVersion="7"><MetricValue Samples="1 2" DeterminationTime="5"/></State>')
    wave = node(WAVE, "RealTimeSampleArrayMetric")
    told = waveform(wave, metric_facts(wave), "c", state)
    assert told is not None
    assert (told.period, told.sequence, told.device_time) == (4000.0, 7, 5000)
    bare = node(WAVE.replace(' SamplePeriod="PT0.004S"', ""), "RealTimeSampleArrayMetric")
    with pytest.raises(ValueError, match="period"):
        waveform(bare, metric_facts(bare), "c", state)
    assert waveform(wave, metric_facts(wave), "c", xml('<State X="1"/>'.replace("/>", "></State>"))) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0.004S", 0.004), ("PT1M2.5S", 62.5), ("PT2H", 7200), ("P1DT1S", 86_401), ("-PT1S", -1)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds * 1e6)


@pytest.mark.parametrize("text", ["", "P", "PT", "1S", "P1Y", "PT5", "PTxS"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text)


def test_codes_of_other_systems_are_kept_and_translations_used() -> None:
    foreign = coded(xml('<Type Code="X7" CodingSystem="urn:oid:1.2.3" SymbolicCodeName="COMFORT"></Type>'))
    assert (foreign.code, foreign.refid, foreign.system, foreign.problem) == (0, "COMFORT", "urn:oid:1.2.3", "foreign")
    both = coded(xml('<Type Code="X7" CodingSystem="urn:oid:1.2.3"><Translation Code="150456"/></Type>'))
    assert (both.code, both.refid, both.system) == (150456, "MDC_PULS_OXIM_SAT_O2", "MDC")
    unknown = coded(xml('<Type Code="999999"></Type>'))
    assert (unknown.code, unknown.problem) == (999_999, "unknown")


def test_clock_stamps_that_are_no_time_are_zero() -> None:
    assert [micros(text) for text in (None, "", "soon", "1767225600123")] == [0, 0, 0, 1_767_225_600_123_000]
