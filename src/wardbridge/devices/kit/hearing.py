"""Kit classes about what a driver hears: snapshots, splits, mutations, acknowledgement, order, slow sinks."""

from __future__ import annotations

import asyncio

import hypothesis
import hypothesis.strategies as st

from wardbridge.core.clock import FakeClock, settle
from wardbridge.devices.kit.rig import Rig, heard, running
from wardbridge.devices.kit.sinks import FailingSink, RecordingSink, SlowSink
from wardbridge.devices.kit.snapshot import compare, picture
from wardbridge.devices.values import AnyValue, Reading, Waveform


class ReplayKit:
    """Each capture gives the values of its snapshot, every time."""

    async def test_captures_give_their_snapshots(self, rig: Rig) -> None:
        assert rig.captures()
        for path in rig.captures():
            sink, _, _ = await heard(rig, rig.chunks(path.read_bytes()))
            again, _, _ = await heard(rig, rig.chunks(path.read_bytes()))
            assert picture(sink.batches) == picture(again.batches)
            compare(sink.batches, rig.tests / "expected" / f"{path.stem}.json")


class StreamKit:
    """However the network cuts the bytes, the values are the same."""

    async def test_every_split_gives_the_same(self, rig: Rig) -> None:
        for path in rig.captures():
            data = path.read_bytes()
            whole, answers, _ = await heard(rig, [data])
            points = range(1, len(data))
            step = max(1, len(points) // rig.splits)
            sink = RecordingSink()
            driver = rig.build(sink, FakeClock())
            async with running(rig, driver):
                for point in points[::step]:
                    sink.batches.clear()
                    assert len(await rig.replay(driver, [data[:point], data[point:]])) == len(answers)
                    assert picture(sink.batches) == picture(whole.batches), f"{path.name} split at {point}"

    async def test_byte_by_byte(self, rig: Rig) -> None:
        data = min((path.read_bytes() for path in rig.captures()), key=len)
        whole, _, _ = await heard(rig, [data])
        single, _, _ = await heard(rig, [data[i : i + 1] for i in range(len(data))])
        assert picture(single.batches) == picture(whole.batches)


@st.composite
def mutations(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with a few bytes changed, dropped, doubled or cut off."""
    mutated = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        if not mutated:
            break
        at = draw(st.integers(0, len(mutated) - 1))
        match draw(st.sampled_from(("change", "drop", "insert", "double", "cut"))):
            case "change":
                mutated[at] = draw(st.integers(0, 255))
            case "drop":
                del mutated[at : at + draw(st.integers(1, 40))]
            case "insert":
                mutated[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "double":
                mutated[at:at] = mutated[at : at + draw(st.integers(1, 60))]
            case _:
                del mutated[at:]
    return bytes(mutated)


def _measured(sink: RecordingSink) -> list[AnyValue]:
    """The values that depend on nothing but the input: alerts and events also tell of what was before."""
    return [value for value in sink.values if isinstance(value, Reading | Waveform)]


class MutationKit:
    """Broken input never ends a driver; it is counted, and what follows is understood as ever."""

    @hypothesis.settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(draw=st.data())
    def test_mutated_bytes_do_no_harm(self, rig: Rig, draw: st.DataObject) -> None:
        path = draw.draw(st.sampled_from(rig.captures()))
        parts = rig.chunks(path.read_bytes())
        which = draw.draw(st.integers(0, len(parts) - 1))
        broken = [*parts]
        broken[which] = draw.draw(mutations(parts[which]))
        asyncio.run(self._broken_then_good(rig, broken, parts))

    async def _broken_then_good(self, rig: Rig, broken: list[bytes], parts: list[bytes]) -> None:
        alone, _, _ = await heard(rig, parts)
        sink = RecordingSink()
        driver = rig.build(sink, FakeClock())
        async with running(rig, driver):
            before = sum(driver.health().counts.values())
            await rig.replay(driver, broken)
            if any(broken):
                told = sum(driver.health().counts.values()) > before or bool(sink.batches)
                assert told, "broken input left no trace"
            sink.batches.clear()
            await rig.replay(driver, parts)
            assert _measured(sink) == _measured(alone)


class AckKit:
    """A positive answer means that the sink has accepted."""

    async def test_answer_waits_for_the_sink(self, rig: Rig) -> None:
        for path in rig.captures():
            sink = SlowSink()
            driver = rig.build(sink, FakeClock())
            async with running(rig, driver):
                peer = asyncio.create_task(rig.replay(driver, rig.chunks(path.read_bytes())))
                await sink.entered()
                await settle(200)
                assert not peer.done(), "answered before the sink accepted"
                sink.release()
                answers = await peer
                assert any(rig.positive(answer) for answer in answers)

    async def test_a_refusal_is_never_a_positive_answer(self, rig: Rig) -> None:
        for path in rig.captures():
            sink = FailingSink()
            driver = rig.build(sink, FakeClock())
            async with running(rig, driver):
                answers = await rig.replay(driver, rig.chunks(path.read_bytes()))
                assert sink.refused > 0
                assert not any(rig.positive(answer) for answer in answers)
                sink.failing = False
                answers = await rig.replay(driver, rig.chunks(path.read_bytes()))
                assert any(rig.positive(answer) for answer in answers)
                assert sink.batches


class OrderKit:
    """A repeated message can be recognised; device time and receive time are both kept."""

    async def test_repeats_can_be_recognised(self, rig: Rig) -> None:
        for path in rig.captures():
            sink, clock = RecordingSink(), FakeClock()
            driver = rig.build(sink, clock)
            async with running(rig, driver):
                await rig.replay(driver, rig.chunks(path.read_bytes()))
                first = list(sink.batches)
                sink.batches.clear()
                await clock.advance(60)
                await rig.replay(driver, rig.chunks(path.read_bytes()))
                again = list(sink.batches)
            assert first
            assert all(batch.control and batch.sender for batch in first if batch.values)
            assert {(b.sender, b.control) for b in first} & {(b.sender, b.control) for b in again}
            assert all(batch.received == first[0].received + 60_000_000 for batch in again)
            times = {b.control: [getattr(v, "device_time", 0) for v in b.values] for b in first}
            for batch in again:
                if batch.control in times:
                    assert [getattr(v, "device_time", 0) for v in batch.values] == times[batch.control]


class SlowSinkKit:
    """While the sink is slow, a driver holds a bounded number of messages and says so."""

    async def test_memory_is_bounded(self, rig: Rig) -> None:
        sink = SlowSink()
        driver = rig.build(sink, FakeClock())
        parts = rig.chunks(rig.captures()[0].read_bytes())
        async with running(rig, driver):
            peers = [asyncio.create_task(rig.replay(driver, parts)) for _ in range(2 * rig.bounded)]
            await sink.entered()
            await settle(400)
            waiting = driver.health().counts.get("queued", 0)
            assert waiting <= rig.bounded
            assert sink.most <= rig.bounded
            sink.release()
            await asyncio.gather(*peers)
            assert sink.batches
