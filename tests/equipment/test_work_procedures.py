"""Procedures, results, test equipment, electrical safety and risk scores."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, procedures, risk, safety, steps
from wardbridge.equipment.work.risk import Band, Scheme, Term
from wardbridge.equipment.work.steps import Procedure, Result, Step
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.store import procedures as store
from wardbridge.equipment.work.store import risk as kept
from wardbridge.equipment.work.store.procedures import Instrument

EARTH = Step(step="pe", kind="value", text="Protective earth", code="earth-resistance", unit="Ohm",
             high=Decimal("0.3"), instrument=True)  # fmt: skip
LOOK = Step(step="look", kind="check", text="Look at it")


@given(st.decimals(0, 1000, places=3), st.decimals(0, 1000, places=3), st.decimals(0, 1000, places=3))
def test_a_limit_is_an_allowed_value(value: Decimal, one: Decimal, other: Decimal) -> None:
    low, high = min(one, other), max(one, other)
    number, verdict = steps.judge(
        Step(step="s", kind="value", text="t", unit="1", low=low, high=high), f"{value}".replace(".", ",")
    )
    assert number == value
    assert verdict == ("pass" if low <= value <= high else "fail")


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1e40", "0.1.2", "abc", "--", "9" * 40])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        steps.judge(EARTH, text)
    assert refused.value.where == "pe"


@pytest.mark.parametrize(
    "wrong",
    [
        (), (LOOK, LOOK), (Step(step="a", kind="look", text="x"),), (Step(step="a", kind="value", text="x"),),
        (Step(step="a", kind="check", text="x", instrument=True),), (Step(step="a", kind="check", text=" "),),
        (Step(step="a", kind="value", text="x", unit="V", low=Decimal(2), high=Decimal(1)),),
    ],
)  # fmt: skip
def test_a_procedure_that_cannot_be_followed_is_refused(wrong: tuple[Step, ...]) -> None:
    with pytest.raises(Invalid):
        steps.checked(Procedure(procedure_id="p", version=0, name="n", steps=wrong))


async def prepared(shop: Shop, stock: Stocked, clock: FakeClock) -> tuple[str, str, str]:
    """(work, machine, safety analyser): an inspection with a check and a measured value."""
    machine, analyser = await stock(2)
    async with shop.acting(TECHNICIAN) as conn:
        await procedures.write(shop, conn, Procedure(procedure_id="est", version=0, name="Safety", kind="inspection",
                                                     steps=(LOOK, EARTH), minutes=20), TECHNICIAN)  # fmt: skip
        await store.put_instrument(conn, Instrument(device_id=analyser.device_id, measures="electrical safety",
                                                    calibrated=clock.now(), due=clock.now() + 365 * DAY))  # fmt: skip
        work = await desk.order(shop, conn, machine.device_id, "inspection", "Safety", "", TECHNICIAN,
                                procedure_id="est")  # fmt: skip
    assert (work.procedure_version, work.minutes) == (1, 20)
    return work.work_id, machine.device_id, analyser.device_id


async def test_results_become_observations_and_a_failure_orders_the_repair(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    work_id, device_id, analyser = await prepared(shop, stock, clock)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid, match="no result"):
            await desk.resolve(shop, conn, work_id, "done", TECHNICIAN)
        with pytest.raises(Invalid, match="which test equipment"):
            await procedures.record(shop, conn, work_id, {"pe": "0.12"}, TECHNICIAN)
        with pytest.raises(Invalid, match="no such step"):
            await procedures.record(shop, conn, work_id, {"xx": "1"}, TECHNICIAN)
        await procedures.record(shop, conn, work_id, {"pe": "0.12", "look": "pass"}, TECHNICIAN, instrument_id=analyser)
        await clock.advance(5)
        (again,) = await procedures.record(shop, conn, work_id, {"pe": "0.42"}, TECHNICIAN, instrument_id=analyser)
        found = await shop.record.current(conn, "Observation", again.observation_id)
        done = await desk.resolve(shop, conn, work_id, "earth too high", TECHNICIAN)
        repair = [one for one in await orders.of_devices(conn, [device_id]) if one.kind == "fault"]
        with pytest.raises(Conflict):
            await procedures.record(shop, conn, work_id, {"look": "pass"}, TECHNICIAN)
    assert found is not None
    assert found["subject"] == {"reference": f"Device/{device_id}"}
    assert (found["valueQuantity"]["value"], found["valueQuantity"]["code"]) == (Decimal("0.42"), "Ohm")
    assert found["referenceRange"][0]["high"]["value"] == Decimal("0.3")
    assert found["interpretation"][0]["coding"][0]["code"] == "H"
    assert found["device"] == {"reference": f"Device/{analyser}"}
    assert [(one.parent_id, one.priority) for one in repair] == [(done.work_id, "urgent")]
    assert len(await store.results(shop.pool, [work_id], every=True)) == 3, "nothing measured is lost"
    assert [one.text for one in await store.results(shop.pool, [work_id])] == ["pass", "0.42"]


async def test_an_instrument_out_of_calibration_is_refused_or_marked(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    work_id, _, analyser = await prepared(shop, stock, clock)
    await clock.advance(366 * DAY / 1e6)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid, match="out of calibration"):
            await procedures.record(shop, conn, work_id, {"pe": "0.1"}, TECHNICIAN, instrument_id=analyser)
        (marked,) = await procedures.record(shop, conn, work_id, {"pe": "0.1"}, TECHNICIAN, instrument_id=analyser,
                                            override="only analyser in the house")  # fmt: skip
        found = await shop.record.current(conn, "Observation", marked.observation_id)
        assert marked.override
        assert found is not None
        assert "out of calibration" in found["note"][0]["text"]
        order = await desk.order(shop, conn, analyser, "calibration", "Calibrate", "", TECHNICIAN)
        await desk.resolve(shop, conn, order.work_id, "certificate 17", TECHNICIAN)
        (fresh,) = await procedures.record(shop, conn, work_id, {"pe": "0.1"}, TECHNICIAN, instrument_id=analyser)
    assert fresh.override == ""
    assert fresh.due == clock.now() + 365 * DAY, "calibrated for as long as the last time"


async def test_versions_of_a_procedure_stay(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    work_id, _, _ = await prepared(shop, stock, clock)
    async with shop.acting(TECHNICIAN) as conn:
        shorter = Procedure(procedure_id="est", version=0, name="Safety", steps=(LOOK,), kind="inspection")
        newer = await procedures.write(shop, conn, shorter, TECHNICIAN)
        assert newer.version == 2
        with pytest.raises(Invalid, match="which test equipment"):
            await procedures.record(shop, conn, work_id, {"pe": "0.1"}, TECHNICIAN)
    old = await store.version(shop.pool, "est", 1)
    assert old is not None
    assert old.steps == (LOOK, EARTH), "work goes by the version that it was ordered with"


def test_tests_follow_class_part_and_site() -> None:
    def codes(*given: str) -> list[str]:
        return [one.code for one in safety.steps_for(*given)]

    assert codes("I", "CF") == ["earth-resistance", "insulation-mains-earth", "insulation-mains-part",
                                "equipment-leakage-direct", "part-leakage"]  # fmt: skip
    assert "earth-resistance" not in codes("II", "BF")
    assert codes("II", "none") == ["insulation-mains-enclosure", "equipment-leakage-direct"]
    assert "earth-resistance-cord" in codes("I", "B", "detachable")
    assert "equipment-leakage-alternative" in codes("I", "B", "fixed", "alternative")
    own = [("earth-resistance", "*", "*", None, Decimal("0.2"), "Ohm", "house rule")]
    assert safety.steps_for("I", "B", own=own)[0].high == Decimal("0.2")
    assert [one.high for one in safety.steps_for("I", "CF") if one.code == "part-leakage"] == [Decimal(50)]
    assert steps.checked(safety.procedure("p", "Safety", "I", "CF", "fixed", "direct")).steps[0].kind == "check"
    with pytest.raises(Invalid):
        safety.steps_for("III", "B")


def measured(day: int, value: str, high: str | None = "0.3", low: str | None = None) -> Result:
    return Result(measurement_id=f"m{day}", work_id="w", device_id="d", step="s", name="n", kind="value", text=value,
                  verdict="pass", observation_id="o", by_id="b", by="B", at=day * DAY, code="c",
                  number=Decimal(value), unit="Ohm", high=Decimal(high) if high else None,
                  low=Decimal(low) if low else None)  # fmt: skip


def test_a_trend_warns_before_the_limit() -> None:
    steady = safety.trend([measured(365 * n, "0.10") for n in range(4)])
    assert (steady.warning, steady.slope) == ("", 0.0)
    rising = safety.trend([measured(0, "0.10"), measured(365, "0.14"), measured(731, "0.18")])
    assert rising.warning.startswith("heading for the limit")
    assert rising.slope == pytest.approx(0.04, abs=1e-3)
    assert rising.reaches is not None
    assert 731 + 3 * 365 - 5 < rising.reaches / DAY < 731 + 3 * 366 + 5
    jumped = safety.trend([measured(0, "0.02"), measured(365, "0.12")])
    assert "since the first" in jumped.warning
    assert safety.trend([measured(0, "0.31")]).warning == "beyond the limit"
    falling = safety.trend([measured(0, "100", None, "2"), measured(365, "3", None, "2")])
    assert falling.warning.startswith("heading for the limit")
    assert safety.trend([measured(0, "5", None)]).share is None


@given(st.lists(st.tuples(st.integers(0, 4000), st.decimals(0, 10, places=2)), min_size=1, max_size=12))
def test_a_trend_of_anything_is_finite(points: list[tuple[int, Decimal]]) -> None:
    found = safety.trend([measured(day, str(value)) for day, value in sorted(points)])
    assert abs(found.slope) < 1e6
    assert found.reaches is None or found.reaches > found.points[-1][0]


def test_the_em_number_is_the_sum_of_its_terms() -> None:
    em = risk.shipped()["fennigkoh-smith"]
    chosen = {"function": "life-support", "physical-risk": "death", "maintenance": "extensive"}
    most = risk.score(em, chosen, Decimal(1))
    assert (most.total, most.months, most.included) == (22, 3, True)
    assert [part.points for part in most.parts] == [10, 5, 5, 2]
    least = risk.score(em, {"function": "other", "physical-risk": "none", "maintenance": "visual"}, Decimal(10**6))
    assert (least.total, least.months, least.included) == (2, None, False)
    middle = {"function": "therapy", "physical-risk": "wrong-therapy", "maintenance": "visual"}
    assert [risk.score(em, middle, Decimal(m)).total for m in (5, 6, 8, 9, 11, 12, 17, 18)] == [
        14, 13, 13, 12, 12, 11, 11, 10,
    ]  # fmt: skip
    assert risk.score(em, middle, Decimal(9)).months == 12
    with pytest.raises(Invalid) as refused:
        risk.score(em, {"function": "toy"}, None)
    assert refused.value.where == "function"


async def test_a_score_has_its_incidents_from_the_work_orders_and_sites_their_schemes(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    (asset,) = await stock(1, installed=clock.now() - 365 * DAY)
    chosen = {"function": "therapy", "physical-risk": "injury", "maintenance": "average"}
    async with shop.acting(TECHNICIAN) as conn:
        calm = await risk.rate(shop, conn, "model-1", "fennigkoh-smith", chosen, TECHNICIAN)
        for n in range(3):
            await desk.report(shop, conn, asset.device_id, f"fault {n}", TECHNICIAN)
        await clock.advance(1)
        shaky = await risk.rate(shop, conn, "model-1", "fennigkoh-smith", chosen, TECHNICIAN)
        assert (calm.total, shaky.total) == (13, 17)
        only = Term(term="t", text="T", bands=(Band(points=Decimal(3), text="x"),), weight=Decimal(2))
        own = Scheme(scheme="house", version="1", name="House", include=Decimal(1), term=(only,))
        await risk.put_scheme(shop, conn, own)
        with pytest.raises(Conflict):
            await risk.put_scheme(shop, conn, own)
        assert (await risk.rate(shop, conn, "model-1", "house", {}, TECHNICIAN)).total == 6
        with pytest.raises(NotFound):
            await risk.rate(shop, conn, "none", "house", {}, TECHNICIAN)
    latest = await kept.latest(shop.pool, "model-1", "fennigkoh-smith")
    assert [(one.total, one.months, one.machines) for one in latest] == [(17, 6, 1)]
